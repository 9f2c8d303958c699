//! The overview: its figures against the records, its states, and its page.

use askama::Template;
use steelyard_billing::Debit;
use steelyard_pages::Lang;
use steelyard_pages::overview::{Overview, OverviewPage, OverviewRecords};

use crate::month::Month;

/// What the portal reads of a month.
fn records(month: &Month) -> OverviewRecords<'_> {
    OverviewRecords {
        statements: &month.statements,
        coming: Some(&month.coming),
        debit: None,
        mandate: None,
        last_report_at: None,
        closed: None,
    }
}

/// The month with all but so much paid.
fn owing(owed: &str) -> Month {
    let mut month = Month::of_may_2015();
    let paid = month.account.figures.receivable().minus(owed.parse().unwrap()).unwrap();
    let recharged = month.account.recharge(paid, "transfer".to_owned(), month.now).unwrap();
    month.account = recharged.account;
    month
}

/// The account's open debit, not sent yet.
fn due(month: &Month) -> Debit {
    let provider = &month.provider.provider;
    let due_at = month.rules.next_due(provider, month.now);
    Debit::open(provider, month.account.open_debit.unwrap(), due_at, month.now)
}

fn html(month: &Month, view: &Overview, lang: Lang) -> String {
    let frame = month.frame(lang, "overview");
    OverviewPage::new(&frame, &month.rules.calendar, view).render().unwrap()
}

#[test]
fn debug_dump() {
    let month = owing("126.02");
    let debit = due(&month);
    let view = OverviewRecords { debit: Some(&debit), ..records(&month) };
    let view = Overview::new(&month.records(), &view).unwrap();
    println!("{}", serde_json::to_string_pretty(&view).unwrap());
    for lang in Lang::ALL {
        std::fs::write(format!("/tmp/ov-{}.html", lang.name()), html(&month, &view, lang)).unwrap();
    }
}
