//! The page of the ledger.

use askama::Template;
use jiff::Timestamp;
use steelyard_billing::{Calendar, Cause, DepositMovement};

use super::texts::Texts;
use super::{
    GivenBackState, Ledger, LedgerDecline, LedgerEntry, LedgerKind, LedgerQuery, RefundView,
    ReversalView,
};
use crate::Frame;
use crate::debits::{Chip, DebitLine, DebitView, Tone, debit_page};
use crate::frame::{Common, wall_clock};
use crate::icon::Icon;
use crate::recharge::RechargeTable;
use crate::show::{Change, Code, Count, Figure, Html, Plain};

/// The page of a part of the ledger.
#[derive(Debug, Template)]
#[template(path = "ledger.html")]
pub struct LedgerPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    view: &'a Ledger,
    tabs: Vec<Tab>,
    prepaid: Html,
    owed: Html,
    collecting: Html,
    /// The deposit that the account holds, if it holds one.
    deposit: Option<Html>,
    rows: Vec<Row>,
    open: Vec<DebitLine>,
    debits: Vec<DebitLine>,
    recharges: Option<RechargeTable>,
    given_back: Vec<GivenBackLine>,
    older: Option<String>,
    is_older_page: bool,
    newest: String,
}

/// A link to a part of the ledger.
#[derive(Clone, Debug)]
struct Tab {
    href: String,
    label: Html,
    is_current: bool,
}

/// A row of the movements.
#[derive(Clone, Debug)]
struct Row {
    id: Option<u64>,
    what: Html,
    href: Option<String>,
    note: Html,
    at: Html,
    /// The change, and the balances after it; none for a try that moved nothing.
    money: Option<[Html; 4]>,
}

/// A refund or a reversal.
#[derive(Clone, Debug)]
struct GivenBackLine {
    of: Html,
    href: String,
    note: Html,
    at: Html,
    amount: Option<Html>,
    number: Html,
    chip: Chip,
    code: Option<Html>,
}

impl<'a> LedgerPage<'a> {
    /// The page of a part of the ledger, with times by the platform's clocks.
    #[must_use]
    pub fn new(frame: &'a Frame, calendar: &Calendar, view: &'a Ledger) -> LedgerPage<'a> {
        let t = Texts(frame.lang);
        let figure = |amount| Html::show(Figure(amount), frame.lang);
        let debits = DebitLine::all(frame, calendar, &view.debits);
        let is_open = |debit: &&DebitView| debit.is_open();
        let open: Vec<_> = view.debits.iter().filter(is_open).cloned().collect();
        let path = frame.page("ledger");
        LedgerPage {
            frame,
            c: Common(frame.lang),
            t,
            view,
            tabs: LedgerKind::ALL.map(|kind| Tab::new(&path, kind, view.kind, t)).to_vec(),
            prepaid: figure(view.balance.prepaid_fen),
            owed: figure(view.balance.owed_fen),
            collecting: figure(view.balance.collecting_fen),
            deposit: Some(view.balance.deposit_fen)
                .filter(|held| !held.is_zero())
                .map(|held| t.deposit_held(Figure(held))),
            rows: rows(frame, calendar, view),
            open: DebitLine::all(frame, calendar, &open),
            debits,
            recharges: RechargeTable::new(frame, calendar, &view.recharges),
            given_back: given_back(frame, calendar, view),
            older: view.older_before.map(|before| {
                let query = LedgerQuery { kind: view.kind, before: Some(super::Before(before)) };
                format!("{path}?{query}")
            }),
            is_older_page: !view.is_newest,
            newest: format!("{path}?kind={}", view.kind.name()),
        }
    }

    fn is(&self, kind: LedgerKind) -> bool {
        self.view.kind == kind
    }
}

impl Tab {
    fn new(path: &str, kind: LedgerKind, current: LedgerKind, t: Texts) -> Tab {
        let label = match kind {
            LedgerKind::All => t.all(),
            LedgerKind::Debits => t.debits(),
            LedgerKind::Recharges => t.recharges(),
            LedgerKind::Refunds => t.refunds(),
        };
        let href = format!("{path}?kind={}", kind.name());
        Tab { href, label, is_current: kind == current }
    }
}

/// The movements, and the tries of the debits that moved nothing, the newest first.
fn rows(frame: &Frame, calendar: &Calendar, view: &Ledger) -> Vec<Row> {
    let mut rows: Vec<(Timestamp, Row)> = view
        .entries
        .iter()
        .map(|entry| (entry.recorded_at_s, Row::of_entry(frame, calendar, entry)))
        .collect();
    let declined = view.declined.iter();
    let declined = declined.map(|of| (of.declined.at_s, Row::of_decline(frame, calendar, of)));
    // Stable: a try that was declined comes after the movement of the same second that began it.
    rows.splice(0..0, declined);
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    rows.into_iter().map(|(_, row)| row).collect()
}

impl Row {
    fn of_entry(frame: &Frame, calendar: &Calendar, entry: &LedgerEntry) -> Row {
        let lang = frame.lang;
        let t = Texts(lang);
        let (what, href, note) = told(frame, entry);
        let plain = |amount| Html::show(Plain(amount), lang);
        // What begins or ceases to be collected changes nothing: how much it is stands in words.
        let note = if entry.change_fen.is_zero() {
            t.moved(Figure(entry.amount_fen)).then(&note, lang)
        } else {
            note
        };
        Row {
            id: Some(entry.number),
            what,
            href,
            note,
            at: Html::show(wall_clock(calendar, entry.recorded_at_s), lang),
            money: Some([
                Html::show(Change(entry.change_fen), lang),
                plain(entry.after.prepaid_fen),
                plain(entry.after.owed_fen),
                plain(entry.after.collecting_fen),
            ]),
        }
    }

    fn of_decline(frame: &Frame, calendar: &Calendar, of: &LedgerDecline) -> Row {
        let t = Texts(frame.lang);
        let line = of.declined.line(frame, calendar);
        Row {
            id: None,
            what: t.declined(t.debit_no(Count(of.debit.0))),
            href: Some(debit_page(frame, of.debit.0)),
            note: line.why,
            at: line.at,
            money: None,
        }
    }
}

fn recharge_page(frame: &Frame, number: u32) -> String {
    format!("{}/{number}", frame.page("recharge"))
}

/// What an entry is, where it leads, and the number behind it.
fn told(frame: &Frame, entry: &LedgerEntry) -> (Html, Option<String>, Html) {
    let t = Texts(frame.lang);
    let debit = |number: u64| t.debit_no(Count(number));
    let refunds = || Some(format!("{}?kind=refunds", frame.page("ledger")));
    match &entry.cause {
        Cause::Charged { statement } => {
            let page = format!("{}/{statement}", frame.page("bills"));
            let what =
                if entry.is_credit() { t.credited(*statement) } else { t.charged(*statement) };
            (what, Some(page.replace('+', "%2B")), Html::default())
        }
        Cause::DebitSent { debit: id } => {
            (t.debit_sent(debit(id.0)), Some(debit_page(frame, id.0)), Html::default())
        }
        Cause::DebitPaid { debit: id, trade_no } => {
            (t.debit_paid(debit(id.0)), Some(debit_page(frame, id.0)), t.trade(Code(trade_no)))
        }
        Cause::DebitGivenUp { debit: id } => {
            (t.debit_given_up(debit(id.0)), Some(debit_page(frame, id.0)), Html::default())
        }
        Cause::DebitFound { debit: id, trade_no, .. } => {
            (t.debit_found(debit(id.0)), Some(debit_page(frame, id.0)), t.trade(Code(trade_no)))
        }
        Cause::Recharged { reference } => {
            (t.recharged(), None, t.reference(Code(reference.as_str())))
        }
        Cause::RechargePaid { recharge, trade_no } => {
            let number = Count(u64::from(recharge.0));
            (
                t.recharge_paid(number),
                Some(recharge_page(frame, recharge.0)),
                t.trade(Code(trade_no)),
            )
        }
        Cause::RefundAsked(_) => (t.refund_asked(), refunds(), Html::default()),
        Cause::RefundDone(_) => (t.refund_done(), refunds(), Html::default()),
        Cause::RefundRefused(_) => (t.refund_refused(), refunds(), Html::default()),
        Cause::Reversed(_) => (t.reversed(), refunds(), Html::default()),
        Cause::Deposit(movement) => told_of_deposit(frame, movement),
    }
}

/// What a movement of the deposit is, where it leads, and the number behind it.
fn told_of_deposit(frame: &Frame, movement: &DepositMovement) -> (Html, Option<String>, Html) {
    let t = Texts(frame.lang);
    let refunds = || Some(format!("{}?kind=refunds", frame.page("ledger")));
    match movement {
        DepositMovement::Paid { recharge, trade_no } => {
            (t.deposit_paid(), Some(recharge_page(frame, recharge.0)), t.trade(Code(trade_no)))
        }
        DepositMovement::Transferred { reference } => {
            (t.deposit_transferred(), None, t.reference(Code(reference.as_str())))
        }
        DepositMovement::Drawn { .. } => (t.deposit_drawn(), None, Html::default()),
        DepositMovement::ReturnAsked(_) => (t.deposit_to_return(), refunds(), Html::default()),
        DepositMovement::Returned(_) => (t.deposit_returned(), refunds(), Html::default()),
        DepositMovement::ReturnRefused(_) => (t.deposit_not_returned(), refunds(), Html::default()),
        DepositMovement::SentBack { reference } => {
            (t.deposit_sent_back(), None, t.reference(Code(reference.as_str())))
        }
        DepositMovement::Reversed(_) => (t.deposit_reversed(), refunds(), Html::default()),
    }
}

/// Refunds and reversals together, the newest first.
fn given_back(frame: &Frame, calendar: &Calendar, view: &Ledger) -> Vec<GivenBackLine> {
    let refunds = view
        .refunds
        .iter()
        .map(|refund| (refund.asked_at_s, GivenBackLine::of_refund(frame, calendar, refund)));
    let reversals = view.reversals.iter().map(|reversal| {
        (reversal.noticed_at_s, GivenBackLine::of_reversal(frame, calendar, reversal))
    });
    let mut lines: Vec<_> = refunds.chain(reversals).collect();
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.into_iter().map(|(_, line)| line).collect()
}

impl GivenBackLine {
    fn of_refund(frame: &Frame, calendar: &Calendar, refund: &RefundView) -> GivenBackLine {
        let t = Texts(frame.lang);
        let (of, href) = trade_of(frame, refund.debit, refund.recharge);
        GivenBackLine {
            of,
            href,
            note: match (refund.is_from_deposit, refund.is_from_prepaid) {
                (true, _) => t.of_deposit(),
                (false, true) => t.of_prepaid(),
                (false, false) => t.gift(),
            },
            at: Html::show(wall_clock(calendar, refund.asked_at_s), frame.lang),
            amount: Some(Html::show(Plain(refund.amount_fen), frame.lang)),
            number: Html::show(Code(&refund.out_trade_no), frame.lang),
            chip: refund.state.chip(t),
            code: refund.code.as_deref().map(|code| Html::show(Code(code), frame.lang)),
        }
    }

    fn of_reversal(frame: &Frame, calendar: &Calendar, reversal: &ReversalView) -> GivenBackLine {
        let t = Texts(frame.lang);
        let (of, href) = trade_of(frame, reversal.debit, reversal.recharge);
        GivenBackLine {
            of,
            href,
            note: t.reversal(),
            at: Html::show(wall_clock(calendar, reversal.noticed_at_s), frame.lang),
            amount: reversal.amount_fen.map(|amount| Html::show(Plain(amount), frame.lang)),
            number: Html::show(Code(&reversal.out_trade_no), frame.lang),
            chip: reversal.state.chip(t),
            code: None,
        }
    }
}

/// What a trade was for, and its page.
fn trade_of(frame: &Frame, debit: Option<u64>, recharge: Option<u32>) -> (Html, String) {
    let t = Texts(frame.lang);
    match (debit, recharge) {
        (Some(debit), _) => (t.debit_no(Count(debit)), debit_page(frame, debit)),
        (None, Some(recharge)) => {
            (t.recharge_no(Count(u64::from(recharge))), recharge_page(frame, recharge))
        }
        (None, None) => (Html::default(), frame.page("ledger")),
    }
}

impl GivenBackState {
    fn chip(self, t: Texts) -> Chip {
        match self {
            GivenBackState::UnderWay => {
                Chip { icon: Icon::Clock, tone: Tone::Plain, word: t.under_way() }
            }
            GivenBackState::Done => Chip { icon: Icon::Check, tone: Tone::Go, word: t.done() },
            GivenBackState::Refused => {
                Chip { icon: Icon::Care, tone: Tone::Care, word: t.refused() }
            }
        }
    }
}
