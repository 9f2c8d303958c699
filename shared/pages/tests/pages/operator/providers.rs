//! The list of providers.

use askama::Template;
use serde_json::json;
use steelyard_billing::{Account, Debit, DebitId, Provider};
use steelyard_pages::operator::OperatorPage;
use steelyard_pages::operator::providers::{
    LOOKED_AT_MAX, ProviderQuery, ProviderRecord, ProviderState, Providers,
};

use super::{HOSTILE, account, assert_shows, check, debit, held, now, provider, runs};
use crate::month::rules;

fn check_providers(name: &str, view: &Providers) -> String {
    check(name, |frame| OperatorPage::providers(frame, view, &rules().calendar).render().unwrap())
}

/// Providers with their accounts, and the debits of some.
struct Found {
    providers: Vec<Provider>,
    accounts: Vec<Account>,
    debits: Vec<Debit>,
}

impl Found {
    /// One provider in each state.
    fn in_every_state() -> Found {
        let named =
            ["erp-bridge", "label-printer", "parcel-track", "shop-assistant", "coupon-mill"];
        let providers = named.map(|id| provider(id, id != "parcel-track"));
        let [erp, label, parcel, shop, coupon] = &providers;
        let open = |account: Account| Account { open_debit: Some(DebitId(9)), ..account };
        let accounts = vec![
            open(account(erp, 120_460, 0)),
            open(account(label, 8_950, 0)),
            account(parcel, 34_218, 0),
            open(account(shop, 12_602, 0)),
            account(coupon, 100, 231_075),
        ];
        let debits = vec![
            held("erp-bridge", "paid, with another amount"),
            debit("label-printer", json!({ "phase": "in_doubt", "why": "no answer" })),
            Debit { terms: None, ..debit("shop-assistant", json!({ "phase": "due" })) },
        ];
        Found { providers: providers.into(), accounts, debits }
    }

    fn listed(&self, query: ProviderQuery, next: Option<&str>) -> Providers {
        let debit_of =
            |of: &Provider| self.debits.iter().find(|debit| debit.provider == of.provider);
        let found = self.providers.iter().zip(&self.accounts);
        let found = found.map(|(provider, account)| ProviderRecord {
            stage: None,
            provider,
            account,
            debit: debit_of(provider),
            mandate: None,
            is_closed: false,
        });
        let (found, next) = (found.collect::<Vec<_>>(), next.map(str::to_owned));
        Providers::new(&found, query, next, &runs(), &rules(), now()).unwrap()
    }
}

#[test]
fn providers_are_listed_by_their_most_urgent_state_with_the_sums_of_the_last_run() {
    let view = Found::in_every_state().listed(ProviderQuery::default(), Some("7/p"));
    let states = view.providers.iter().map(|row| (row.provider.as_str(), row.state));
    assert_eq!(
        states.collect::<Vec<_>>(),
        [
            ("erp-bridge", ProviderState::DebitHeld),
            ("label-printer", ProviderState::DebitInDoubt),
            ("parcel-track", ProviderState::MandateMissing),
            ("shop-assistant", ProviderState::Owing),
            ("coupon-mill", ProviderState::Good),
        ]
    );
    let html = check_providers("providers", &view);
    assert_shows(
        &html,
        &[
            "Providers: 1,284, as the settlement of 19 May 2015, 00:32 left them",
            "erp-bridge open-2015 debit held 0.00 1,204.60 0.00 held not yet",
            "19 May, 08:40, ¥ 126.02",
            "Prepaid ¥ 2,310.75 Providers: 1 Owed ¥ 126.02 Providers: 1",
            "5 of 5 that were looked at Next page",
        ],
    );
    assert!(html.contains("href=\"/portal/operator/providers?after=7%2Fp\""));
    assert!(html.contains("href=\"/portal/providers/erp-bridge/overview\""));
    check_providers("providers-all", &view);
    let shown = serde_json::to_value(&view).unwrap();
    assert_eq!(shown["providers"][0]["owed_fen"], 120_460);
    assert_eq!(shown["sums"]["owed"], json!({ "providers": 1, "amount_fen": 12_602 }));
}

#[test]
fn providers_are_searched_by_name_and_state() {
    let found = Found::in_every_state();
    let owing = ProviderQuery { state: Some(ProviderState::Owing), ..ProviderQuery::default() };
    assert_eq!(found.listed(owing.clone(), Some("7/p")).providers.len(), 1);
    let hostile = ProviderQuery { q: HOSTILE.to_owned(), ..owing };
    let searched = found.listed(hostile, Some("7/p"));
    assert_eq!((searched.providers.len(), searched.looked_at), (0, 5));
    let html = check_providers("providers-found", &searched);
    assert_shows(&html, &["None of 5 that were looked at", "go on with the next page"]);
}

#[test]
fn list_before_the_first_provider_and_settlement_says_so() {
    let nobody = Providers::new(&[], ProviderQuery::default(), None, &[], &rules(), now()).unwrap();
    let html = check_providers("providers-empty", &nobody);
    assert_shows(&html, &["The sums follow the first nightly settlement", "No provider yet"]);
}

#[test]
fn page_of_the_most_providers_stays_under_a_hundred_kilobytes() {
    let providers =
        (0..LOOKED_AT_MAX).map(|n| provider(&format!("{n:03}-{}", "x".repeat(60)), true));
    let providers = providers.collect::<Vec<_>>();
    let accounts = providers.iter().map(|provider| account(provider, 12_602, 0)).collect();
    let found = Found { providers, accounts, debits: Vec::new() };
    check_providers("providers-many", &found.listed(ProviderQuery::default(), None));
}
