//! Receivables by age, and revenue by month.

use askama::Template;
use steelyard_billing::{Age, RunFigures, SettlementRun, Statement};
use steelyard_pages::operator::OperatorPage;
use steelyard_pages::operator::receivables::Receivables;
use steelyard_pricing::Fen;

use super::{assert_shows, check, now, runs};
use crate::month::{Month, rules};

fn check_receivables(name: &str, view: &Receivables) -> String {
    check(name, |frame| OperatorPage::receivables(frame, view, &rules().calendar).render().unwrap())
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
    let html = check_receivables("receivables", &view);
    assert_shows(&html, &["Not due yet", "More than 90 days", "May 2015", "value-added"]);
    // Earlier runs are not read, and one of an older version sorted nothing.
    let [newest, mut oldest] = <[SettlementRun; 2]>::try_from(runs()).unwrap();
    oldest.number = 40;
    oldest.end.as_mut().unwrap().figures = RunFigures::default();
    let cut = Receivables::new(&[newest, oldest.clone()], &rules().calendar, now()).unwrap();
    assert!(!cut.months[0].is_whole && cut.unsorted_fen.is_positive());
    let html = check_receivables("receivables-cut", &cut);
    assert_shows(&html, &["Earlier runs charged more of this month", "told apart by nothing"]);
    let none = Receivables::new(&[], &rules().calendar, now()).unwrap();
    let html = check_receivables("receivables-empty", &none);
    assert_shows(
        &html,
        &["The ages follow the first nightly settlement", "Nothing was charged yet"],
    );
}
