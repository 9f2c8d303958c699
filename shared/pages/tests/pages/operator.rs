//! The operators' pages: figures against the records, all states, both languages, forms and
//! escaping.

use askama::Template;
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::breaker::Breaker;
use steelyard_billing::reconciliation::DayFailure;
use steelyard_billing::webhook::{DeadLetter, EndpointRef, Outcome};
use steelyard_billing::{
    Account, AccountSums, Age, Charges, Debit, OpenFinding, Provider, Reason, Reconciliation,
    Reference, Request, RunEnd, RunFailure, RunFigures, RunScope, RunShard, RunTally,
    SettlementRun, Stage, Statement,
};
use steelyard_pages::operator::actions::{
    ActionKind, ActionRow, ActionStanding, AskedBy, AuditTrail, ReturnAmounts,
};
use steelyard_pages::operator::debits::{DebitWay, DebitsToSee};
use steelyard_pages::operator::providers::{
    LOOKED_AT_MAX, ProviderQuery, ProviderRecord, ProviderState, Providers,
};
use steelyard_pages::operator::receivables::Receivables;
use steelyard_pages::operator::reconciliation::{DayResult, Reconciled};
use steelyard_pages::operator::runs::{
    BreakerView, DeadLetterQueue, DeadLetters, RunRecords, Runs, Scheduled,
};
use steelyard_pages::operator::{
    FormOutcome, FormProblem, Forms, OperatorPage, Refused, UnreadableRecord,
};
use steelyard_pages::{Frame, Lang, May};
use steelyard_pricing::Fen;

use crate::look;
use crate::month::{Month, at, day, rules};

const HOSTILE: &str = "<script>alert(\"1\")</script>";

fn now() -> Timestamp {
    at("2015-05-19T08:32")
}

fn frame(lang: Lang, page: &str, may_operate: bool) -> Frame {
    let path = format!("/portal/operator/{page}");
    let frame = Frame::new(lang, path, &rules().calendar, now());
    let may = May { operate: may_operate, ..May::default() };
    Frame { operator: Some("finance-desk-2".to_owned()), may, ..frame }
}

fn forms() -> Forms {
    Forms { key: "k".repeat(32), ..Forms::default() }
}

/// What holds of every page; gives its HTML in English.
fn check(name: &str, page: impl Fn(&Frame) -> String) -> String {
    let [english, chinese] = Lang::ALL.map(|lang| page(&frame(lang, name, true)));
    for (lang, html) in Lang::ALL.into_iter().zip([&english, &chinese]) {
        look::check(&format!("operator-{name}"), lang, html);
        let told = format!("{name} {}", lang.name());
        // Tags and attributes stand apart.
        for (at, _) in html.match_indices("=\"") {
            let name = html[..at].rsplit([' ', '\n']).next().unwrap();
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c))
                    || name.ends_with("viewBox"),
                "{told}: {name}"
            );
        }
        assert_eq!(html.matches("method=\"post\"").count(), html.matches("name=\"key\"").count());
        assert_eq!(
            html.matches("method=\"post\"").count(),
            html.matches("name=\"reason\" required").count()
        );
    }
    let reader = page(&frame(Lang::En, name, false));
    assert!(!reader.contains("method=\"post\""), "{name}: who may only read sees no form");
    english
}

/// The parts of a text without its tags.
fn words(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_shows(html: &str, texts: &[&str]) {
    let words = words(html);
    for text in texts {
        assert!(words.contains(text), "{text:?} is not in {words}");
    }
}

fn provider(id: &str, has_mandate: bool) -> Provider {
    let mandate = crate::month::provider().mandate.filter(|_| has_mandate);
    Provider { provider: id.parse().unwrap(), mandate, ..crate::month::provider() }
}

/// A provider's account with a debit in a phase, which reserves what is owed if it was sent.
fn account(provider: &Provider, owed: i64, prepaid: i64) -> Account {
    let account = Account::new(provider);
    let statement = "2015-05-18".parse().unwrap();
    let account = account.charge(statement, Fen::new(owed), now()).unwrap().account;
    if prepaid == 0 {
        return account;
    }
    account.recharge(Fen::new(owed + prepaid), Reference::new("r").unwrap(), now()).unwrap().account
}

fn debit(provider: &str, phase: serde_json::Value) -> Debit {
    let mut debit = json!({
        "provider": provider, "debit": 9, "version": 3,
        "opened_at_s": at("2015-05-08T00:30").as_second(),
        "due_at_s": at("2015-05-19T08:40").as_second(),
        "terms": { "amount_fen": 120_460, "mandate": 1, "agreement_no": "20155245550001",
            "from": "2015-05-07", "through": "2015-05-07" },
        "history": { "exchanges": [{ "at_s": at("2015-05-08T10:00").as_second(), "attempt": 1,
            "asked": "pay", "answer": "paid" }] },
    });
    debit.as_object_mut().unwrap().extend(phase.as_object().unwrap().clone());
    serde_json::from_value(debit).unwrap()
}

fn held(provider: &str, why: &str) -> Debit {
    debit(provider, json!({ "phase": "held", "why": why }))
}

/// Runs of two nights: the older charged 17 May, the newer 18 May.
fn runs() -> Vec<SettlementRun> {
    let month = Month::of_may_2015();
    let run = |number: u64, begun: &str, statements: &[Statement], sums: AccountSums| {
        let tally = RunTally { providers: 1_284, failed: 1, ..RunTally::default() };
        let tally = tally.with_statements(statements).unwrap();
        let charges = Charges::of(statements).unwrap();
        let figures = RunFigures { charges, accounts: Some(sums) };
        let run = SettlementRun::after(number - 1, RunScope::Shards([3, 7].into()), at(begun));
        let ended_at_s = at(begun) + jiff::SignedDuration::from_secs(161);
        SettlementRun { end: Some(RunEnd { ended_at_s, tally, figures }), ..run }
    };
    let (old, new) =
        (month.between("2015-04-13", "2015-05-17"), month.between("2015-05-18", "2015-05-18"));
    let owing = account(&provider("shop-assistant", true), 12_602, 0);
    let rich = account(&provider("coupon-mill", true), 100, 231_075);
    let sums = |account, statements: &[Statement]| {
        AccountSums::of(account, Some(Request::Open), statements, day("2015-05-18")).unwrap()
    };
    let sums =
        sums(&owing, &month.between("2015-05-17", "2015-05-18")).plus(&sums(&rich, &[])).unwrap();
    vec![run(2, "2015-05-19T00:30", &new, sums.clone()), run(1, "2015-05-18T00:30", &old, sums)]
}

#[test]
fn providers_are_listed_by_their_most_urgent_state_with_the_sums_of_the_last_run() {
    let named = ["erp-bridge", "label-printer", "parcel-track", "shop-assistant", "coupon-mill"];
    let providers = named.map(|id| provider(id, id != "parcel-track"));
    let [erp, label, parcel, shop, coupon] = &providers;
    let open =
        |account: Account| Account { open_debit: Some(steelyard_billing::DebitId(9)), ..account };
    let accounts = [
        open(account(erp, 120_460, 0)),
        open(account(label, 8_950, 0)),
        account(parcel, 34_218, 0),
        open(account(shop, 12_602, 0)),
        account(coupon, 100, 231_075),
    ];
    let debits = [
        held("erp-bridge", "paid, with another amount"),
        debit("label-printer", json!({ "phase": "in_doubt", "why": "no answer" })),
        Debit { terms: None, ..debit("shop-assistant", json!({ "phase": "due" })) },
    ];
    let found = providers.iter().zip(&accounts).map(|(provider, account)| ProviderRecord {
        stage: None,
        provider,
        account,
        debit: debits.iter().find(|debit| debit.provider == provider.provider),
        mandate: None,
        is_closed: false,
    });
    let found = found.collect::<Vec<_>>();
    let list = |query: ProviderQuery| {
        Providers::new(&found, query, Some("7/p".to_owned()), &runs(), &rules(), now()).unwrap()
    };
    let view = list(ProviderQuery::default());
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
    let html = check("providers", |frame| {
        OperatorPage::providers(frame, &view, &rules().calendar).render().unwrap()
    });
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
    let searched = list(ProviderQuery {
        q: HOSTILE.to_owned(),
        state: Some(ProviderState::Owing),
        after: None,
    });
    assert_eq!((searched.providers.len(), searched.looked_at), (0, 5));
    let html = check("providers-found", |frame| {
        OperatorPage::providers(frame, &searched, &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["None of 5 that were looked at", "go on with the next page"]);
    let owing = ProviderQuery { state: Some(ProviderState::Owing), ..ProviderQuery::default() };
    assert_eq!(list(owing).providers.len(), 1);
    let nobody = Providers::new(&[], ProviderQuery::default(), None, &[], &rules(), now()).unwrap();
    let html = check("providers-empty", |frame| {
        OperatorPage::providers(frame, &nobody, &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["The sums follow the first nightly settlement", "No provider yet"]);
    check("providers-all", |frame| {
        OperatorPage::providers(frame, &view, &rules().calendar).render().unwrap()
    });
    let shown = serde_json::to_value(&view).unwrap();
    assert_eq!(shown["providers"][0]["owed_fen"], 120_460);
    assert_eq!(shown["sums"]["owed"], json!({ "providers": 1, "amount_fen": 12_602 }));
}

#[test]
fn debits_say_why_and_offer_the_ways_that_the_rules_allow() {
    let debits = [
        debit("given-up", json!({ "phase": "given_up", "why": { "because": "funds" } })),
        debit("in-doubt", json!({ "phase": "in_doubt", "why": HOSTILE })),
        held("erp-bridge", "paid ¥1024.60 by trade 2015"),
        debit("due", json!({ "phase": "due" })),
    ];
    let mut view = DebitsToSee::new(&debits, now());
    let ways = view.debits.iter().map(|debit| (debit.provider.as_str(), debit.ways.clone()));
    assert_eq!(
        ways.collect::<Vec<_>>(),
        [
            ("erp-bridge", vec![DebitWay::Ask, DebitWay::Retry, DebitWay::GiveUp]),
            ("in-doubt", vec![DebitWay::Ask, DebitWay::GiveUp]),
            ("given-up", vec![]),
        ]
    );
    view.named_at_s = Some(at("2015-05-19T00:32"));
    view.has_more = true;
    let render = |frame: &Frame, forms: &Forms| {
        OperatorPage::debits(frame, &view, forms, &rules().calendar).render().unwrap()
    };
    let html = check("debits", |frame| render(frame, &forms()));
    assert_shows(
        &html,
        &[
            "erp-bridge : debit 9, ¥ 1,204.60",
            "The answer contradicts the books: paid ¥1024.60 by trade 2015",
            "The payer had too little money on each day",
            "Every action here is recorded under finance-desk-2",
        ],
    );
    assert_eq!(html.matches("method=\"post\"").count(), 2);
    let refused = Refused {
        form: "debit/erp-bridge/9".to_owned(),
        choice: Some("retry".to_owned()),
        reason: HOSTILE.to_owned(),
        problem: FormProblem::NoReason,
        key: None,
    };
    let again = Forms { refused: Some(refused), ..forms() };
    let html = check("debits-again", |frame| render(frame, &again));
    assert!(html.contains("value=\"retry\" checked") && html.contains("aria-invalid=\"true\""));
    assert!(html.contains("<a href=\"#why-1\" autofocus>"));
    let problems = [
        FormProblem::LongReason(501),
        FormProblem::NotAllowedNow(HOSTILE.to_owned()),
        FormProblem::OwnApproval,
        FormProblem::Unavailable,
    ];
    for problem in problems {
        let refused = Refused { problem, ..again.refused.clone().unwrap() };
        check("debits-refused", |frame| {
            render(frame, &Forms { refused: Some(refused.clone()), ..forms() })
        });
    }
    // Nobody knows whether it was done: sent again, it is the same action.
    let refused = Refused {
        problem: FormProblem::Unavailable,
        key: Some("sent.7".to_owned()),
        ..again.refused.clone().unwrap()
    };
    let html = check("debits-second", |frame| {
        render(frame, &Forms { refused: Some(refused.clone()), ..forms() })
    });
    assert_eq!(html.matches("name=\"key\" value=\"sent.7\"").count(), 1);
    assert_shows(&html, &["The result is not known"]);
    for outcome in [FormOutcome::Done, FormOutcome::Waiting, FormOutcome::AsBefore] {
        let html = check("debits-outcome", |frame| {
            render(frame, &Forms { outcome: Some(outcome), ..forms() })
        });
        assert!(html.contains("role=\"status\""));
    }
    check("debits-plain", |frame| render(frame, &forms()));
    let none = DebitsToSee::new(&[], now());
    let html = check("debits-empty", |frame| {
        OperatorPage::debits(frame, &none, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["Nothing is held", "Nothing is in doubt", "No debit is given up now"]);
}

fn reconciliation(day: &str, findings: serde_json::Value) -> Reconciliation {
    serde_json::from_value(json!({
        "day": day, "rows": 212, "matched": 212, "findings": findings, "waiting": 3,
        "bill": { "kind": "trade", "key": "bills/x.zip", "sha256": "00" },
        "reconciled_at_s": at("2015-05-18T10:31").as_second(),
    }))
    .unwrap()
}

#[test]
fn reconciliation_shows_days_and_what_both_sides_say() {
    let differs = json!({ "kind": "amount_differs", "out_trade_no": HOSTILE, "provider": "erp-bridge",
        "ours_fen": 120_460, "theirs_fen": 102_460 });
    let found = json!({ "kind": "found_payment", "out_trade_no": "T2", "theirs_fen": 5 });
    let days = [
        reconciliation("2015-05-15", json!([differs])),
        reconciliation("2015-05-17", json!([found])),
        Reconciliation::skipped(
            "2015-05-14".parse().unwrap(),
            Reason::new("no bill").unwrap(),
            2,
            now(),
        ),
    ];
    let failure = DayFailure {
        day: "2015-05-18".parse().unwrap(),
        why: "no bill yet".to_owned(),
        failed_at_s: now(),
    };
    let open = |version: u64, more: serde_json::Value| -> OpenFinding {
        let mut finding = json!({ "version": version, "first_day": "2015-05-15" });
        finding.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(finding).unwrap()
    };
    let findings = [
        open(0, differs),
        open(0, json!({ "kind": "ours_only", "out_trade_no": "T3", "ours_fen": 7 })),
        open(
            0,
            json!({ "kind": "theirs_only", "out_trade_no": "T4", "out_request_no": "R", "theirs_fen": -7 }),
        ),
        open(0, json!({ "kind": "unreadable", "out_trade_no": "T5", "out_request_no": "17" })),
        open(1, json!({ "kind": "ours_only", "out_trade_no": "closed", "closed": "looked at" })),
    ];
    let view = Reconciled::new(&days, &[failure], Some(&findings), now());
    let results = view.days.iter().map(|day| (day.day.to_string(), day.result.clone()));
    assert_eq!(
        results.collect::<Vec<_>>(),
        [
            ("2015-05-18".to_owned(), DayResult::Failed { why: "no bill yet".to_owned() }),
            ("2015-05-17".to_owned(), DayResult::Agrees),
            ("2015-05-15".to_owned(), DayResult::Differs { findings: 1 }),
            ("2015-05-14".to_owned(), DayResult::Skipped { reason: "no bill".to_owned() }),
        ]
    );
    assert_eq!(view.findings.as_ref().unwrap().len(), 4);
    let html = check("reconciliation", |frame| {
        OperatorPage::reconciliation(frame, &view, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(
        &html,
        &[
            "Our books say ¥ 1,204.60 . Alipay's bill says ¥ 1,024.60",
            "212 of 212",
            "booked by the bill: 1",
            "not done yet",
        ],
    );
    let unread = Reconciled::new(&[], &[], None, now());
    let html = check("reconciliation-unread", |frame| {
        OperatorPage::reconciliation(frame, &unread, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["This could not be read now", "No day was reconciled yet"]);
    let none = Reconciled::new(&[], &[], Some(&[]), now());
    let html = check("reconciliation-empty", |frame| {
        OperatorPage::reconciliation(frame, &none, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["No finding is open"]);
}

#[test]
fn runs_show_results_what_is_behind_and_what_is_next() {
    let under_way =
        SettlementRun::after(2, RunScope::Shards([3, 7].into()), at("2015-05-19T08:30"));
    let ended = RunShard { has_ended: true, ..RunShard::new(3) };
    let all = [vec![under_way], runs()].concat();
    let failures = [RunFailure {
        provider: "planless".parse().unwrap(),
        why: HOSTILE.to_owned(),
        failed_at_s: now(),
        settled_at_s: None,
    }];
    let queues = [
        DeadLetters { queue: DeadLetterQueue::Usage, messages: Some(3), oldest_s: Some(7_300) },
        DeadLetters { queue: DeadLetterQueue::Debit, messages: Some(0), oldest_s: None },
        DeadLetters { queue: DeadLetterQueue::Schedule, messages: None, oldest_s: None },
    ];
    let stopped = Breaker::default().stopped(Reason::new(HOSTILE).unwrap(), now());
    let of_shop = (1..=12).map(|sequence| dead_letter("shop", "erp", sequence));
    let letters = of_shop.chain([dead_letter("#platform", "desk", 7)]).collect::<Vec<_>>();
    let records = RunRecords {
        runs: &all,
        shards: &[ended],
        failures: &failures,
        breaker: Some(&stopped),
        queues: &queues,
        letters: Some(&letters),
    };
    let mut view = Runs::new(records, &rules(), now()).unwrap();
    let behind = view.under_way.as_ref().unwrap();
    assert_eq!((behind.shards_ended, &behind.shards_behind[..]), (1, &[7][..]));
    let next = view.next.iter().map(|next| (next.what, next.at_s)).collect::<Vec<_>>();
    assert_eq!(
        next,
        [
            (Scheduled::Debits, at("2015-05-19T10:00")),
            (Scheduled::Reconciliation, at("2015-05-19T10:30")),
            (Scheduled::Settlement, at("2015-05-20T00:30")),
        ]
    );
    view.unreadable.push(UnreadableRecord {
        pk: HOSTILE.to_owned(),
        sk: "s".to_owned(),
        why: HOSTILE.to_owned(),
    });
    let html = check("runs-stopped", |frame| {
        OperatorPage::runs(frame, &view, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(
        &html,
        &[
            "Debits are stopped",
            "Only a person lets them go on",
            "Run 3 is under way. Shards that have ended: 1; that have not: 1",
            "1 tried again alone 1,284 1",
            "2 min 41 s",
            "planless",
            "Records that cannot be read",
            "nothing to do",
            "Not known now",
        ],
    );
    assert_shows(
        &html,
        &[
            "number 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 …",
            "steelyard webhooks show erp --provider shop",
            "steelyard webhooks replay erp --provider shop --dead",
            "number 7 19 May 2015",
            "steelyard webhooks replay desk --dead",
        ],
    );
    let records = RunRecords {
        runs: &runs(),
        shards: &[],
        failures: &[],
        breaker: Some(&Breaker::default()),
        queues: &queues,
        letters: Some(&[]),
    };
    let view = Runs::new(records, &rules(), now()).unwrap();
    assert!(matches!(view.breaker, Some(BreakerView::Closed { .. })));
    let html = check("runs", |frame| {
        OperatorPage::runs(frame, &view, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(
        &html,
        &[
            "Debits are running",
            "Every provider was settled",
            "Stop all debits",
            "Every event was taken",
        ],
    );
    let records = RunRecords { runs: &[], breaker: None, queues: &[], letters: None, ..records };
    let view = Runs::new(records, &rules(), now()).unwrap();
    let html = check("runs-empty", |frame| {
        OperatorPage::runs(frame, &view, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["This could not be read now", "No settlement has run yet"]);
}

#[test]
fn sessions_of_a_provider_are_ended_by_a_form_with_a_reason() {
    let shop = "shop-assistant".parse().unwrap();
    let html =
        check("sessions", |frame| OperatorPage::sessions(frame, &shop, &forms()).render().unwrap());
    assert_shows(
        &html,
        &["End every session in which the pages of shop-assistant are open", "Reason"],
    );
}

#[test]
fn receivables_sum_to_what_is_owed_and_revenue_to_what_was_charged() {
    let month = Month::of_may_2015();
    let view = Receivables::new(&runs(), &rules().calendar, now()).unwrap();
    let ageing = view.ageing.as_ref().unwrap();
    let of_ages = Fen::sum(ageing.ages.iter().map(|row| row.owed.amount_fen)).unwrap();
    assert_eq!((of_ages, ageing.owed.amount_fen), (Fen::new(12_602), Fen::new(12_602)));
    assert_eq!(ageing.ages.len(), Age::ALL.len() - 1, "all is dated");
    let months = view.months.iter().map(|month| month.month.to_string()).collect::<Vec<_>>();
    assert_eq!(months, ["2015-05", "2015-04"]);
    let charged = Fen::sum(view.months.iter().map(|month| month.charged_fen)).unwrap();
    assert_eq!(charged, Statement::sum_fen(&month.statements).unwrap());
    assert!(view.months.iter().all(|month| month.is_whole) && view.unsorted_fen.is_zero());
    for month in &view.months {
        let plans = Fen::sum(month.plans.iter().map(|plan| plan.charged_fen)).unwrap();
        assert_eq!(plans, month.charged_fen);
    }
    let html = check("receivables", |frame| {
        OperatorPage::receivables(frame, &view, &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["Not due yet", "More than 90 days", "May 2015", "value-added"]);
    // Earlier runs are not read, and one of an older version sorted nothing.
    let [newest, mut oldest] = <[SettlementRun; 2]>::try_from(runs()).unwrap();
    oldest.number = 40;
    oldest.end.as_mut().unwrap().figures = RunFigures::default();
    let cut = Receivables::new(&[newest, oldest.clone()], &rules().calendar, now()).unwrap();
    assert!(!cut.months[0].is_whole && cut.unsorted_fen.is_positive());
    let html = check("receivables-cut", |frame| {
        OperatorPage::receivables(frame, &cut, &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["Earlier runs charged more of this month", "told apart by nothing"]);
    let none = Receivables::new(&[], &rules().calendar, now()).unwrap();
    let html = check("receivables-empty", |frame| {
        OperatorPage::receivables(frame, &none, &rules().calendar).render().unwrap()
    });
    assert_shows(
        &html,
        &["The ages follow the first nightly settlement", "Nothing was charged yet"],
    );
}

fn action(id: &str, by: &str, what: ActionKind, standing: ActionStanding) -> ActionRow {
    ActionRow {
        id: id.to_owned(),
        asked_at_s: now(),
        asked_by: AskedBy::Operator { operator: by.to_owned() },
        reason: Some(HOSTILE.to_owned()),
        what,
        returns: None,
        approved_by: Some("li".to_owned()),
        standing,
    }
}

#[test]
fn more_events_that_webhooks_did_not_take_than_are_read_are_announced() {
    let records = |letters: &[_]| {
        let records = RunRecords {
            runs: &[],
            shards: &[],
            failures: &[],
            breaker: None,
            queues: &[],
            letters: Some(letters),
        };
        Runs::new(records, &rules(), now()).unwrap()
    };
    let all = (1..=200).map(|sequence| dead_letter("shop", "erp", sequence)).collect::<Vec<_>>();
    assert!(records(&all).has_more_letters && !records(&all[1..]).has_more_letters);
}

/// An event that an endpoint did not take.
fn dead_letter(subject: &str, endpoint: &str, sequence: u64) -> (EndpointRef, DeadLetter) {
    let of = EndpointRef { subject: subject.parse().unwrap(), endpoint: endpoint.parse().unwrap() };
    let letter = DeadLetter {
        endpoint: of.endpoint.clone(),
        sequence,
        failures: 9,
        first_at_s: now(),
        given_up_at_s: now(),
        outcome: Outcome::TimedOut,
    };
    (of, letter)
}

#[test]
fn audit_trail_says_who_did_what_and_offers_no_one_the_approval_of_the_own_action() {
    let shop = || "shop-assistant".parse().unwrap();
    let resolve = |way| ActionKind::ResolveDebit {
        provider: shop(),
        debit: steelyard_billing::DebitId(9),
        way,
    };
    let mandate = steelyard_billing::MandateId(1);
    let done = || ActionStanding::Done { at_s: now(), was_so_before: false };
    let kinds = [
        ActionKind::EndMandate { provider: shop(), mandate },
        ActionKind::LowerLimits {
            provider: shop(),
            mandate,
            single_fen: Fen::new(100),
            daily_fen: None,
        },
        resolve(DebitWay::Ask),
        resolve(DebitWay::GiveUp),
        ActionKind::CloseFinding { trade: HOSTILE.to_owned(), request: None },
        ActionKind::StopDebits,
        ActionKind::ResumeDebits,
        ActionKind::ApproveAdjustment { provider: shop(), adjustment: "A1".to_owned() },
        ActionKind::RejectAdjustment { provider: shop(), adjustment: "A1".to_owned() },
        ActionKind::SetAlerts { provider: shop() },
        ActionKind::RevokeSessions { provider: shop() },
        ActionKind::DrawDeposit { provider: shop(), amount_fen: None },
        ActionKind::ReturnDeposit { provider: shop(), amount_fen: Some(Fen::new(100)) },
        ActionKind::BookDepositReturn {
            provider: shop(),
            amount_fen: Fen::new(100),
            reference: HOSTILE.to_owned(),
        },
        ActionKind::HoldStage {
            provider: shop(),
            stage: Stage::PayoutsFrozen,
            until: "2015-06-01".parse().unwrap(),
        },
        ActionKind::ReleaseStage { provider: shop() },
    ];
    let ended = kinds
        .into_iter()
        .enumerate()
        .map(|(n, kind)| action(&format!("a{n}"), "wang", kind, done()));
    let others = [
        action("own", "Finance-Desk-2", resolve(DebitWay::Retry), ActionStanding::Waiting),
        ActionRow {
            returns: Some(ReturnAmounts {
                drawn_fen: Fen::new(12_345),
                returned_fen: Fen::new(45_600),
                by_transfer_fen: Fen::ZERO,
            }),
            ..action(
                "other",
                "wang",
                ActionKind::ReturnDeposit { provider: shop(), amount_fen: None },
                ActionStanding::Waiting,
            )
        },
        action(
            "x",
            "wang",
            ActionKind::StopDebits,
            ActionStanding::Refused { at_s: now(), why: HOSTILE.to_owned() },
        ),
        action(
            "y",
            "wang",
            ActionKind::StopDebits,
            ActionStanding::Rejected {
                at_s: now(),
                by: "li".to_owned(),
                reason: HOSTILE.to_owned(),
            },
        ),
        action("z", "wang", ActionKind::StopDebits, ActionStanding::Asked),
        ActionRow {
            asked_by: AskedBy::Caller {
                caller: "arn:aws:iam::123456789012:role/server".to_owned(),
                provider: shop(),
            },
            ..action("c", "", ActionKind::EndMandate { provider: shop(), mandate }, done())
        },
    ];
    let trail = AuditTrail::new(ended.chain(others).collect(), Some("2015-05#1".to_owned()), now());
    assert_eq!((trail.waiting.len(), trail.actions.len()), (2, 20));
    let html = check("actions", |frame| {
        OperatorPage::actions(frame, &trail, &forms(), &rules().calendar).render().unwrap()
    });
    assert_eq!(html.matches("value=\"approve\"").count(), 1, "not of the own action");
    assert_eq!(html.matches("value=\"reject\"").count(), 2);
    assert_shows(&html, &["role/server for provider shop-assistant"]);
    assert_shows(&html, &["456.00", "123.45", "If these amounts change before the approval"]);
    assert_shows(&html, &["at the stage “payouts frozen” until 1 June 2015"]);
    assert_shows(&html, &["approved by li", "Close the finding about trade", "Earlier actions"]);
    let none = AuditTrail::new(Vec::new(), None, now());
    let html = check("actions-empty", |frame| {
        OperatorPage::actions(frame, &none, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["Nothing waits", "Nobody has acted yet"]);
}

#[test]
fn debits_and_findings_are_listed_as_far_as_a_page_holds_them() {
    let debits = (0..100).map(|n| held(&format!("{n:03}-{}", "x".repeat(60)), HOSTILE));
    let view = DebitsToSee::new(&debits.collect::<Vec<_>>(), now());
    assert!(view.has_more);
    check("debits-many", |frame| {
        OperatorPage::debits(frame, &view, &forms(), &rules().calendar).render().unwrap()
    });
    let finding = |n: usize| -> OpenFinding {
        serde_json::from_value(
            json!({ "version": 0, "kind": "ours_only", "first_day": "2015-05-15",
            "out_trade_no": format!("{n:03}{}", "X".repeat(61)), "ours_fen": 7 }),
        )
        .unwrap()
    };
    let findings = (0..100).map(finding).collect::<Vec<_>>();
    let view = Reconciled::new(&[], &[], Some(&findings), now());
    assert_eq!((view.findings.as_ref().unwrap().len(), view.more_findings), (40, 60));
    let html = check("reconciliation-many", |frame| {
        OperatorPage::reconciliation(frame, &view, &forms(), &rules().calendar).render().unwrap()
    });
    assert_shows(&html, &["More than are listed here: 60"]);
}

#[test]
fn page_of_the_most_providers_stays_under_a_hundred_kilobytes() {
    let providers =
        (0..LOOKED_AT_MAX).map(|n| provider(&format!("{n:03}-{}", "x".repeat(60)), true));
    let providers = providers.collect::<Vec<_>>();
    let accounts =
        providers.iter().map(|provider| account(provider, 12_602, 0)).collect::<Vec<_>>();
    let found = providers.iter().zip(&accounts).map(|(provider, account)| ProviderRecord {
        stage: None,
        provider,
        account,
        debit: None,
        mandate: None,
        is_closed: false,
    });
    let found = found.collect::<Vec<_>>();
    let view = Providers::new(&found, ProviderQuery::default(), None, &runs(), &rules(), now());
    let view = view.unwrap();
    check("providers-many", |frame| {
        OperatorPage::providers(frame, &view, &rules().calendar).render().unwrap()
    });
}
