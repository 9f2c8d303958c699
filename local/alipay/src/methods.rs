//! What each method of the gateway does, and what it answers.

use jiff::civil::Date;
use steelyard_billing::BillKind;

use super::LocalAlipay;
use super::agreements::{AgreementOutcome, EndedBy};
use super::bill;
use super::books::BooksError;
use super::content::{self, AgreementKey, BillOrder, RefundKey, RefundOrder};
use super::fault::{Effect, Fault, Method};
use super::order::{self, Order};
use super::refunds::{RefundFound, RefundOutcome};
use super::reply::{self, Node, failed};
use super::request::Request;
use super::trades::{CloseOutcome, PayOutcome, Waiting};

/// A call of a method that is served now.
pub(super) struct Call<'a> {
    pub(super) alipay: &'a LocalAlipay,
    pub(super) request: &'a Request,
    /// Where the caller reaches this server.
    pub(super) origin: &'a str,
}

impl Call<'_> {
    /// Does what is asked, and returns the answer.
    pub(super) fn act(&self, effect: Effect, fault: Option<&Fault>) -> Result<Node, BooksError> {
        let node = match self.request.method {
            Method::Pay => self.pay(effect)?,
            Method::Query => self.query()?,
            Method::Close => self.close()?,
            Method::Refund => self.refund()?,
            Method::RefundQuery => self.query_refund()?,
            Method::Precreate => self.precreate()?,
            Method::AgreementQuery => self.query_agreement()?,
            Method::Unsign => self.unsign()?,
            Method::Bill => self.bill(fault)?,
        };
        Ok(node.unwrap_or_else(|| failed(self.request.method.invalid_parameter())))
    }

    fn pay(&self, effect: Effect) -> Result<Option<Node>, BooksError> {
        let Some(order) = Order::withholding(self.content()) else { return Ok(None) };
        let order = Order { notify_url: self.request.notify_url.clone(), ..order };
        Ok(Some(match self.alipay.books().pay(&order, effect, self.request.at)? {
            PayOutcome::Paid(trade) => reply::paid(&trade),
            PayOutcome::InProcess(trade) => reply::in_process(&trade),
            PayOutcome::Refused(sub_code) => reply::failed_order(sub_code, &order.out_trade_no),
        }))
    }

    fn query(&self) -> Result<Option<Node>, BooksError> {
        let Some(out_trade_no) = order::out_trade_no(self.content()) else { return Ok(None) };
        let trade = self.alipay.books().query(&out_trade_no, self.request.at)?;
        Ok(Some(
            trade.map_or_else(|| failed("ACQ.TRADE_NOT_EXIST"), |trade| reply::queried(&trade)),
        ))
    }

    fn close(&self) -> Result<Option<Node>, BooksError> {
        let Some(out_trade_no) = order::out_trade_no(self.content()) else { return Ok(None) };
        Ok(Some(match self.alipay.books().close(&out_trade_no, self.request.at)? {
            CloseOutcome::Closed(trade) => reply::closed(&trade),
            CloseOutcome::Refused(sub_code) => failed(sub_code),
        }))
    }

    fn refund(&self) -> Result<Option<Node>, BooksError> {
        let Some(order) = RefundOrder::parse(self.content()) else { return Ok(None) };
        Ok(Some(match self.alipay.books().refund(&order, self.request.at)? {
            RefundOutcome::Refunded(trade, refund) => reply::refunded(&trade, &refund, true),
            RefundOutcome::Repeated(trade, refund) => reply::refunded(&trade, &refund, false),
            RefundOutcome::Refused(sub_code) => failed(sub_code),
        }))
    }

    fn query_refund(&self) -> Result<Option<Node>, BooksError> {
        let Some(key) = content::read::<RefundKey>(self.content()) else { return Ok(None) };
        Ok(Some(match self.alipay.books().find_refund(&key, self.request.at)? {
            RefundFound::Refund(trade, refund) => reply::refund_found(&trade, &refund),
            RefundFound::None => reply::result("10000", "Success"),
            RefundFound::NoTrade => failed("ACQ.TRADE_NOT_EXIST"),
        }))
    }

    fn precreate(&self) -> Result<Option<Node>, BooksError> {
        let Some(order) = Order::code(self.content()) else { return Ok(None) };
        let order = Order { notify_url: self.request.notify_url.clone(), ..order };
        Ok(Some(match self.alipay.books().offer_recharge(&order, self.request.at)? {
            Waiting::Trade(trade) | Waiting::InProcess(trade) => {
                reply::code(&trade, format!("{}/local/pay/{}", self.origin, trade.out_trade_no))
            }
            Waiting::Refused(sub_code) => reply::failed_order(sub_code, &order.out_trade_no),
        }))
    }

    fn query_agreement(&self) -> Result<Option<Node>, BooksError> {
        let Some(key) = AgreementKey::parse(self.content()) else { return Ok(None) };
        Ok(Some(match self.alipay.books().agreement(&key)? {
            Some(agreement) if agreement.status.is_over() => failed("AGREEMENT_HAS_UNSIGNED"),
            Some(agreement) => reply::agreement(&agreement),
            None => failed("USER_AGREEMENT_NOT_EXIST"),
        }))
    }

    fn unsign(&self) -> Result<Option<Node>, BooksError> {
        let Some(key) = AgreementKey::parse(self.content()) else { return Ok(None) };
        let by = EndedBy::Merchant { notify_url: self.request.notify_url.as_deref() };
        Ok(Some(match self.alipay.books().end_agreement(&key, by, self.request.at)? {
            AgreementOutcome::Done => reply::result("10000", "Success"),
            AgreementOutcome::NotFound => failed("AGREEMENT_NOT_EXIST"),
            AgreementOutcome::Over => failed("USER_AGREEMENT_STATUS_IS_NOT_NORMAL"),
        }))
    }

    fn bill(&self, fault: Option<&Fault>) -> Result<Option<Node>, BooksError> {
        let Some(order) = BillOrder::parse(self.content()) else { return Ok(None) };
        let address = match order {
            BillOrder::OtherKind => return Ok(Some(failed("TYPE_NOT_SUPPORTED"))),
            BillOrder::Bill { kind, day } => self.bill_address(kind, day, fault)?,
        };
        Ok(Some(address.map_or_else(|| failed("BILL_NOT_EXIST"), reply::bill)))
    }

    /// Where the bill of a day can be had, if there is one.
    fn bill_address(
        &self,
        kind: BillKind,
        day: Date,
        fault: Option<&Fault>,
    ) -> Result<Option<String>, BooksError> {
        if !bill::is_ready(day, self.request.at) {
            return Ok(None);
        }
        let given = self.alipay.downloads().given(kind, day);
        let file = match given {
            Some(file) => Some(file.expect("the file of a bill that is served can be read")),
            None => bill::file(kind, self.alipay.books().bill_rows(day)?, day, fault),
        };
        let number = file.map(|file| self.alipay.downloads().add(file));
        Ok(number.map(|number| format!("{}/local/bills/{number}", self.origin)))
    }

    fn content(&self) -> &str {
        &self.request.biz_content
    }
}
