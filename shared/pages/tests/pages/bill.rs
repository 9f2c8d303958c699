//! The bill of a day.

use askama::Template;
use jiff::Timestamp;
use steelyard_billing::{
    Cause, Debit, DebitId, DebitTerms, Entry, EntryRecord, Ledger, MandateId, Phase, Posting,
    Reference, Statement, StatementId,
};
use steelyard_pages::Lang;
use steelyard_pages::bill::{
    BillRecords, BilledDebit, DayBill, DayBillPage, Report, ReportWithdrawn,
};
use steelyard_pages::debits::Shown;
use steelyard_pricing::{Fen, Metered, Usage};

use crate::look;
use crate::month::{Month, at, calls_of, day};

/// The reports of a day: three of each, by two machines.
pub(crate) fn reports(month: &Month, of: &str) -> Vec<Report> {
    let own = calls_of(day(of));
    let part = |share: u64| -> Usage {
        own.iter()
            .map(|(api, m)| (api.clone(), Metered::calls(m.calls.get() * share / 10)))
            .collect()
    };
    let late = month.statements.iter().flat_map(|statement| &statement.changed_days);
    let late = late.filter(|changed| changed.day == day(of)).map(|changed| changed.late.clone());
    let report = |source: &str, id: String, metered: Usage, time: &str| Report {
        day: day(of),
        source: source.parse().unwrap(),
        report: id.parse().unwrap(),
        counted_at_s: at(time),
        metered,
        withdrawn: None,
    };
    let next = day(of).next();
    let mut all = vec![
        report("gateway-1", format!("{of}T11"), part(4), &format!("{of}T12:04")),
        report("gateway-1", format!("{of}T23"), part(4), &format!("{next}T00:03")),
    ];
    let rest = own.minus(&all[0].metered).unwrap().minus(&all[1].metered).unwrap();
    let late = late.fold(Usage::new(), |sum, late| sum.plus(&late).unwrap());
    let rest = rest.above(&late);
    all.push(report("gateway-2", format!("{of}T23"), rest, &format!("{next}T00:05")));
    if !late.is_empty() {
        all.push(report("gateway-2", format!("{of}T23-again"), late, &format!("{next}T09:12")));
    }
    all
}

/// The entry that a statement is charged by, the number of which is that of its day.
pub(crate) fn entry(statement: &Statement, number: u64) -> Entry {
    let owed = statement.charge_fen.minus(statement.from_prepaid_fen).unwrap();
    let posting = |ledger, amount_fen| Posting { ledger, amount_fen };
    let postings = [
        posting(Ledger::Revenue, statement.charge_fen.negated().unwrap()),
        posting(Ledger::Prepaid, statement.from_prepaid_fen),
        posting(Ledger::Receivable, owed),
    ];
    Entry::try_from(EntryRecord {
        provider: statement.provider.clone(),
        number,
        recorded_at_s: statement.settled_at_s,
        cause: Cause::Charged { statement: statement.statement },
        postings: postings.into_iter().filter(|posting| !posting.amount_fen.is_zero()).collect(),
    })
    .unwrap()
}

fn statement<'a>(month: &'a Month, of: &str) -> &'a Statement {
    let id = of.parse().unwrap();
    month.statements.iter().find(|statement| statement.statement == id).unwrap()
}

fn bill_with(month: &Month, of: &str, reports: &[Report]) -> DayBill {
    let statement = statement(month, of);
    let entry = entry(statement, 18);
    let due: Timestamp = at("2015-05-19T10:00");
    let number = month.account.open_debit.unwrap();
    let debit = Debit::open(&month.provider.provider, number, due, statement.settled_at_s);
    let debits = [BilledDebit { debit: &debit, shown: Shown::NotYet }];
    let records = BillRecords {
        statement,
        statements: &month.statements,
        reports,
        entry: Some(&entry),
        debits: &debits,
    };
    DayBill::new(month.records(), records).unwrap()
}

fn bill(month: &Month, of: &str) -> DayBill {
    let mut all = reports(month, of);
    all.extend(reports(month, &day(of).previous().to_string()));
    bill_with(month, of, &all)
}

fn page(month: &Month, bill: &DayBill, lang: Lang) -> String {
    let frame = month.frame(lang, &format!("bills/{}", bill.statement));
    DayBillPage::new(&frame, &month.rules.calendar, bill).render().unwrap()
}

#[test]
fn the_lines_of_a_bill_sum_to_its_charge() {
    let month = Month::of_may_2015();
    for statement in &month.statements {
        let bill = bill_with(&month, &statement.statement.to_string(), &[]);
        let parts = Fen::sum(bill.parts.iter().map(|part| part.charge_fen)).unwrap();
        assert_eq!(parts, statement.charge_fen, "{}", statement.statement);
        let result = bill.calculation.result().unwrap();
        assert_eq!(result, steelyard_pricing::Yuan::from(statement.charge_fen).decimal());
    }
}

#[test]
fn reports_are_behind_the_bill_that_charges_them() {
    let month = Month::of_may_2015();
    let bill = bill(&month, "2015-05-18");
    assert_eq!(bill.reports.len(), 4);
    for part in &bill.parts {
        for line in &part.lines {
            assert_eq!(line.reported_calls, line.calls, "{:?} {:?}", part.because, line.rate);
        }
    }
    let before = bill_with(&month, "2015-05-17", &reports(&month, "2015-05-17"));
    assert_eq!(before.reports.len(), 3);
}

#[test]
fn a_withdrawn_report_is_behind_the_bill_that_charged_it_and_says_who_withdrew_it() {
    let month = Month::of_may_2015();
    let mut all = reports(&month, "2015-05-18");
    all[2].withdrawn = Some(ReportWithdrawn {
        at_s: at("2015-05-19T08:00"),
        by: "gateway-2".to_owned(),
        reason: "counted <twice>".to_owned(),
    });
    let bill = bill_with(&month, "2015-05-18", &all);
    assert_eq!(bill.reports.len(), 3);
    let html = page(&month, &bill, Lang::En);
    assert!(html.contains("Withdrawn 19 May, 08:00 by gateway-2: counted &#60;twice&#62;"));
}

#[test]
fn what_is_owed_is_left_until_the_debit_takes_it() {
    let month = Month::of_may_2015();
    let bill = bill(&month, "2015-05-18");
    let payment = &bill.payment;
    let collected = payment.collecting.as_ref().map_or(Fen::ZERO, |open| open.amount_fen);
    let paid = Fen::sum([payment.from_prepaid_fen, payment.paid_since_fen, collected]).unwrap();
    assert_eq!(payment.charge_fen.minus(paid).unwrap(), payment.left_fen);
    assert_eq!(bill.previous.unwrap().to_string(), "2015-05-17");
    assert_eq!(bill.next_unbilled, Some(day("2015-05-19")));
}

#[test]
fn the_page_says_what_the_view_has_in_both_languages() {
    let month = Month::of_may_2015();
    let bill = bill(&month, "2015-05-18");
    for lang in Lang::ALL {
        let html = page(&month, &bill, lang);
        look::check("bill-day", lang, &html);
        assert!(html.contains(&format!("<span class=\"y\">¥</span>{}", bill.charge_fen)));
        assert!(html.contains("href=\"#report-0\"") && html.contains("id=\"report-0\""));
    }
}

/// A debit of the statements of two days, which Alipay took.
fn paid(month: &Month, number: DebitId) -> Debit {
    let open = Debit::open(&month.provider.provider, number, at("2015-05-19T10:00"), month.now);
    let attempt = serde_json::json!({
        "out_trade_no": "SYk3x9ab_8d9001d32c6a703d_D4_1", "request": "", "sent_at_s": at("2015-05-19T10:00").as_second(),
        "payment": {"trade_no": "2015051921001", "amount_fen": 24_354},
    });
    Debit {
        terms: Some(DebitTerms {
            amount_fen: Fen::new(24_354),
            mandate: MandateId(1),
            agreement_no: "20155245550001".to_owned(),
            from: day("2015-05-17"),
            through: day("2015-05-18"),
        }),
        attempts: vec![serde_json::from_value(attempt).unwrap()],
        phase: Phase::Paid { attempt: 1, at_s: at("2015-05-19T10:00") },
        ..open
    }
}

#[test]
fn what_a_debit_took_of_a_bill_is_told_apart_from_what_was_paid_otherwise() {
    let mut month = Month::of_may_2015();
    month.account.open_debit = None;
    let statement = statement(&month, "2015-05-18").clone();
    let before = month.account.figures.receivable();
    let transfer = Reference::new("transfer").unwrap();
    month.account = month.account.recharge(before, transfer, month.now).unwrap().account;
    let due = statement.charge_fen.minus(statement.from_prepaid_fen).unwrap();
    let debit_of = |amount: Fen, from: &str| {
        let mut debit = paid(&month, DebitId(4));
        let terms = debit.terms.as_mut().unwrap();
        (terms.amount_fen, terms.from) = (amount, day(from));
        debit
    };
    let other = Fen::new(300);
    let rest = due.minus(other).unwrap();
    let both = month.statements.iter().filter(|of| of.statement.day >= day("2015-05-17"));
    let both = both.map(|of| of.charge_fen.minus(of.from_prepaid_fen).unwrap());
    let both = Fen::sum(both).unwrap();
    for (debit, withheld) in [
        // All of the bill; all but what was recharged; of two bills all; of two bills a part; of
        // this one and of bills of the month before.
        (debit_of(due, "2015-04-30"), None),
        (debit_of(due, "2015-05-18"), Some(due)),
        (debit_of(rest, "2015-05-18"), Some(rest)),
        (debit_of(both, "2015-05-17"), Some(due)),
        (debit_of(both.minus(other).unwrap(), "2015-05-17"), None),
    ] {
        let debits = [BilledDebit { debit: &debit, shown: Shown::NotYet }];
        let statements = &month.statements;
        let records = BillRecords {
            statement: &statement,
            statements,
            reports: &[],
            entry: None,
            debits: &debits,
        };
        let bill = DayBill::new(month.records(), records).unwrap();
        let payment = &bill.payment;
        assert_eq!((payment.paid_since_fen, payment.left_fen), (due, Fen::ZERO));
        assert_eq!((payment.withheld_by, payment.withheld_fen), (Some(DebitId(4)), withheld));
        let html = page(&month, &bill, Lang::En);
        assert_eq!(html.contains("From Alipay"), withheld.is_some());
        assert_eq!(html.contains("Paid since"), withheld != Some(due), "{debit:?}");
    }
}

/// A debit of one day pays the supplement of that day, too: what it took of each is not known.
#[test]
fn what_a_debit_took_of_a_bill_and_its_supplement_is_not_guessed() {
    let mut month = Month::of_may_2015();
    month.account.open_debit = None;
    let last = statement(&month, "2015-05-18").clone();
    let id = StatementId { supplement: 1, ..last.statement };
    let supplement = Statement { statement: id, from_prepaid_fen: Fen::ZERO, ..last.clone() };
    month.statements.push(supplement.clone());
    let receivable = month.account.figures.receivable();
    let transfer = Reference::new("transfer").unwrap();
    month.account = month.account.recharge(receivable, transfer, month.now).unwrap().account;
    let due = |of: &Statement| of.charge_fen.minus(of.from_prepaid_fen).unwrap();
    let both = due(&last).plus(due(&supplement)).unwrap();
    for (amount, is_known) in [(both, true), (both.minus(Fen::new(300)).unwrap(), false)] {
        let mut debit = paid(&month, DebitId(4));
        let terms = debit.terms.as_mut().unwrap();
        (terms.amount_fen, terms.from) = (amount, day("2015-05-18"));
        let debits = [BilledDebit { debit: &debit, shown: Shown::NotYet }];
        for statement in [&last, &supplement] {
            let statements = &month.statements;
            let records =
                BillRecords { statement, statements, reports: &[], entry: None, debits: &debits };
            let payment = DayBill::new(month.records(), records).unwrap().payment;
            assert_eq!(payment.withheld_fen, is_known.then(|| due(statement)));
        }
    }
}

#[test]
fn a_paid_bill_leads_to_its_debit_to_alipays_number_and_to_the_bill_that_confirms_it() {
    let month = Month::of_may_2015();
    let statement = statement(&month, "2015-05-18");
    let debit = paid(&month, DebitId(4));
    let entry = entry(statement, 18);
    let by = Shown::By("2015-05-19".parse().unwrap());
    for (shown, is_open, is_confirmed) in
        [(Shown::NotYet, true, false), (by, false, true), (Shown::Unknown, false, false)]
    {
        let debits = [BilledDebit { debit: &debit, shown }];
        let records = BillRecords {
            statement,
            statements: &month.statements,
            reports: &[],
            entry: Some(&entry),
            debits: &debits,
        };
        let bill = DayBill::new(month.records(), records).unwrap();
        let html = page(&month, &bill, Lang::En);
        assert!(html.contains("ledger?kind=all&#38;before=19#entry-18"), "{html}");
        assert!(html.contains("ledger?kind=debits&#38;before=5#debit-4"), "{html}");
        assert!(html.contains("<code>2015051921001</code>"));
        let waits = html.matches("<li class=\"open\">").count();
        assert_eq!(waits, usize::from(is_open), "{html}");
        let confirmed = html.contains("Confirmed by Alipay's bill");
        assert_eq!(confirmed, is_confirmed);
        // Where it is not known, nothing is said of it.
        assert_eq!(html.contains("onfirmed by Alipay's bill"), is_open || is_confirmed);
    }
}

#[test]
fn the_page_of_100_apis_and_many_reports_stays_small_and_escapes_names() {
    let mut month = Month::until("2015-05-01", "2015-05-18T08:00");
    let api = |number: u64| {
        let prefix = ["taobao", "vas", "msg", "none"][usize::try_from(number % 4).unwrap()];
        format!("{prefix}.group{number}.a-long-name-of-an-api.get").parse().unwrap()
    };
    let usage: Usage = (0..100).map(|n| (api(n), Metered::calls(1_000_000 + n))).collect();
    let read = std::collections::BTreeMap::from([(day("2015-05-18"), usage.clone())]);
    let made = month.night(&read, at("2015-05-19T00:30"));
    month.statements.extend(made);
    let report = |hour: u64| Report {
        day: day("2015-05-18"),
        source: format!("gateway-{}", hour % 3).parse().unwrap(),
        report: format!("<script>{hour}")
            .parse()
            .unwrap_or_else(|_| format!("r-{hour}").parse().unwrap()),
        counted_at_s: at("2015-05-18T12:00"),
        metered: usage.clone(),
        withdrawn: None,
    };
    let bill = bill_with(&month, "2015-05-18", &(0..200).map(report).collect::<Vec<_>>());
    for lang in Lang::ALL {
        let html = page(&month, &bill, lang);
        look::check("bill-large", lang, &html);
    }
    // Lambda answers 6 MB at most, and a report a minute is common.
    let reports = (0..1_440).map(report).collect::<Vec<_>>();
    let json = serde_json::to_string(&bill_with(&month, "2015-05-18", &reports)).unwrap();
    assert!(json.len() < 1_000_000, "{} bytes", json.len());
}
