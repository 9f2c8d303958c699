//! The page of the list of bills.

use askama::Template;
use steelyard_billing::StatementId;
use steelyard_pricing::BillingMonth;

use super::list::BillList;
use super::month::BilledDay;
use super::month_page::name_of;
use super::page::bill_href;
use super::texts::Texts;
use crate::frame::{Common, Frame};
use crate::show::Html;

/// The page of the list of bills.
#[derive(Debug, Template)]
#[template(path = "bills.html")]
pub struct BillListPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    list: &'a BillList,
}

impl<'a> BillListPage<'a> {
    /// The page of a list.
    #[must_use]
    pub fn new(frame: &'a Frame, list: &'a BillList) -> BillListPage<'a> {
        BillListPage { frame, c: Common(frame.lang), t: Texts(frame.lang), list }
    }

    fn bill_href(&self, id: &StatementId) -> String {
        bill_href(self.frame, id)
    }

    fn list_href(&self, month: &BillingMonth) -> String {
        format!("{}?month={month}", self.frame.page("bills"))
    }

    fn month_href(&self, month: &BillingMonth) -> String {
        format!("{}/{month}", self.frame.page("bills"))
    }

    fn is_chosen(&self, month: &BillingMonth) -> bool {
        self.list.month.as_ref() == Some(month)
    }

    fn month(&self, month: &BillingMonth) -> Html {
        Html::show(*month, self.t.0)
    }

    fn name(&self, day: &BilledDay) -> Html {
        name_of(self.t, &day.statement)
    }
}
