//! The audit of a platform, and its figures as a text that two runs can be compared by.

use std::fmt::Write;

use steelyard_billing::mandate::{MandatePhase, Suspension};
use steelyard_billing::{
    Books, Breach, BreachKind, Cause, Debit, DepositMovement, Entry, Ledger, Phase, audit,
};
use steelyard_local_alipay::{Trade, TradeKind};
use steelyard_pricing::Fen;
use steelyard_store::ProviderAccount;

use crate::Platform;

/// Books that break no invariant.
pub struct Balanced {
    /// The figures of every provider, without times.
    pub figures: String,
    /// The breaches that say that work is late.
    pub late: Vec<Breach>,
    /// The trades that are of no provider of ours.
    pub others: Vec<Trade>,
}

impl Platform {
    /// Checks the books of every provider, as they must be once the queues are empty: no invariant
    /// is broken, nothing is late, and Alipay took what the journal says.
    pub async fn books_balance(&self) {
        self.books_balance_late(&[]).await;
    }

    /// The same while this, and nothing else, is late.
    pub async fn books_balance_late(&self, late: &[BreachKind]) {
        self.balanced_figures_late(late).await;
    }

    /// Checks the same, and gives the figures of every provider, without times: what was charged,
    /// moved, withheld and is owed.
    pub async fn balanced_figures_late(&self, late: &[BreachKind]) -> String {
        let Balanced { figures: text, late: found, others } = self.balanced().await;
        assert_eq!(others, [], "taken from nobody of ours");
        assert_eq!(found.iter().map(|breach| breach.kind).collect::<Vec<_>>(), late, "{found:?}");
        text
    }

    /// Checks that no invariant is broken, and that Alipay took from each provider what the journal
    /// says.
    pub async fn balanced(&self) -> Balanced {
        let mut text = String::new();
        let mut trades = self.stack.alipay.trades().unwrap();
        let mut found = Vec::new();
        for (books, late) in self.checked_books().await {
            let by_alipay = taken_from(&books, &mut trades);
            assert_eq!(by_alipay, by_journal(&books), "taken from {}", books.provider.provider);
            write_figures(&mut text, &books, by_alipay).unwrap();
            found.extend(late);
        }
        Balanced { figures: text, late: found, others: trades }
    }

    /// Checks what each statement of a provider charges, what it has and owes (prepaid, receivable
    /// and reserved), and what Alipay took from it; and that the books balance.
    pub async fn check_money(
        &self,
        provider: &str,
        charges: &[(&str, i64)],
        account: [i64; 3],
        taken: i64,
    ) {
        let charges = charges.iter().map(|(id, charge)| ((*id).to_owned(), *charge));
        assert_eq!(self.charges(provider).await, charges.collect::<Vec<_>>());
        assert_eq!((self.account(provider).await, self.taken(provider)), (account, taken));
        self.books_balance().await;
    }

    /// Checks the books of every provider while money is on its way: no invariant is broken, and
    /// Alipay took at most what was charged and what recharges that were offered may have paid.
    /// Gives what is late.
    pub async fn books_in_motion(&self) -> Vec<Breach> {
        let mut trades = self.stack.alipay.trades().unwrap();
        let mut late = Vec::new();
        for (books, found) in self.audited_books().await {
            let by_alipay = taken_from(&books, &mut trades);
            let unpaid = books.recharges.iter().filter(|r| r.payment().is_none());
            let offered = Fen::sum(unpaid.map(|r| r.amount_fen)).unwrap();
            let covered = covered(&books).plus(offered).unwrap();
            assert!(by_alipay <= covered, "{by_alipay} of {covered} taken");
            late.extend(found);
        }
        late
    }

    /// Checks the books of every provider, as they must be at any time: no invariant is broken,
    /// and Alipay took at least what the journal says and at most what was charged.
    pub async fn books_hold(&self) {
        let mut trades = self.stack.alipay.trades().unwrap();
        for (books, _) in self.checked_books().await {
            let by_alipay = taken_from(&books, &mut trades);
            assert!(by_journal(&books) <= by_alipay, "taken from {}", books.provider.provider);
        }
    }

    /// The figures of every provider, without times: what was charged, moved, withheld and is owed.
    pub async fn figures(&self) -> String {
        let mut text = String::new();
        let mut trades = self.stack.alipay.trades().unwrap();
        for (books, _) in self.checked_books().await {
            let by_alipay = taken_from(&books, &mut trades);
            write_figures(&mut text, &books, by_alipay).unwrap();
        }
        text
    }

    /// Every provider with its account, by id. One in a shard that is not named is missing, as it
    /// is for settlement.
    pub(crate) async fn accounts(&self) -> Vec<ProviderAccount> {
        let page = self.stack.tables.billing.registry_page(None, u16::MAX).await.unwrap();
        assert_eq!(page.next, None);
        let mut accounts = page.accounts;
        accounts.sort_by(|one, other| one.provider.provider.cmp(&other.provider.provider));
        accounts
    }

    /// The books of every provider, none of which breaks an invariant and from none of which Alipay
    /// took more than they cover, each with what is late there.
    async fn checked_books(&self) -> Vec<(Books, Vec<Breach>)> {
        let mut trades = self.stack.alipay.trades().unwrap();
        let all = self.audited_books().await;
        for (books, _) in &all {
            let (by_alipay, covered) = (taken_from(books, &mut trades), covered(books));
            assert!(by_alipay <= covered, "{by_alipay} of {covered} taken");
        }
        all
    }

    /// The books of every provider, none of which breaks an invariant, each with what is late
    /// there.
    async fn audited_books(&self) -> Vec<(Books, Vec<Breach>)> {
        let tables = &self.stack.tables;
        let plans = tables.billing.plans().await.unwrap().catalog;
        let unmatched = tables.billing.unmatched().await.unwrap().unmatched;
        let mut all = Vec::new();
        for found in self.accounts().await {
            let books = tables.books(found, &unmatched).await.unwrap();
            let breaches = audit(&books, &plans, &self.stack.rules, self.stack.clock.now());
            let (late, broken): (Vec<_>, Vec<_>) =
                breaches.into_iter().partition(|breach| is_late(breach.kind));
            assert_eq!(broken, [], "books of {}", books.provider.provider);
            all.push((books, late));
        }
        all
    }
}

/// Whether a breach says that work is late, rather than that a figure is wrong.
fn is_late(kind: BreachKind) -> bool {
    matches!(
        kind,
        BreachKind::Overdue
            | BreachKind::Unclosed
            | BreachKind::Unrequested
            | BreachKind::Held
            | BreachKind::InDoubt
            | BreachKind::Unbooked
            | BreachKind::Unmatched
            | BreachKind::FiledLate
            | BreachKind::Unworked
            | BreachKind::Unfinished
    )
}

/// What Alipay took from the provider, under its agreements and by its recharges, less what it gave
/// back. It is crossed out.
fn taken_from(books: &Books, trades: &mut Vec<Trade>) -> Fen {
    let agreements: Vec<_> = books.mandates.iter().map(|m| m.agreement_no.as_deref()).collect();
    let recharges: Vec<_> = books.recharges.iter().map(|r| r.out_trade_no.as_str()).collect();
    let is_its_own = |trade: &Trade| match trade.kind {
        TradeKind::Withholding => agreements.contains(&trade.agreement_no.as_deref()),
        TradeKind::Recharge => recharges.contains(&trade.out_trade_no.as_str()),
    };
    let taken = trades.iter().filter(|trade| is_its_own(trade)).map(net);
    let sum = Fen::sum(taken).unwrap();
    trades.retain(|trade| !is_its_own(trade));
    sum
}

/// What a trade took, less what was given back of it.
fn net(trade: &Trade) -> Fen {
    let taken = if trade.taken_at.is_some() { trade.amount_fen } else { Fen::ZERO };
    taken.minus(trade.refunded_fen).unwrap()
}

/// What the journal says Alipay took, less what it gave back.
fn by_journal(books: &Books) -> Fen {
    let moved = books.journal.iter().map(|entry| entry.moved(Ledger::Alipay).unwrap());
    Fen::sum(moved).unwrap()
}

/// The sum of the charges, and of the payments beside them: no more is ever taken. A credit may
/// come after the charge was withheld.
fn covered(books: &Books) -> Fen {
    let charged = books.statements.iter().map(|s| s.charge_fen.max(Fen::ZERO));
    let recharged = books.recharges.iter().filter_map(|r| r.payment()).map(|p| p.amount_fen);
    let found =
        books.debits.iter().flat_map(Debit::found_payments).map(|(_, paid)| paid.amount_fen);
    Fen::sum(charged.chain(recharged).chain(found)).unwrap()
}

fn write_figures(text: &mut String, books: &Books, taken: Fen) -> std::fmt::Result {
    let figures = books.account.figures;
    writeln!(
        text,
        "{}: prepaid {}, receivable {}, reserved {}, taken {taken}",
        books.provider.provider,
        figures.prepaid(),
        figures.receivable(),
        figures.reserved(),
    )?;
    for mandate in &books.mandates {
        if let MandatePhase::Suspended { why: Suspension::ByDebit { debit, given_up }, .. } =
            &mandate.phase
        {
            writeln!(text, "  mandate suspended by debit {debit}: {given_up}")?;
        }
    }
    for (day, count) in &books.counted {
        writeln!(text, "  {day}: {}", count.usage.total().unwrap())?;
    }
    for statement in &books.statements {
        writeln!(text, "  {}: {}", statement.statement, statement.charge_fen)?;
    }
    for entry in &books.journal {
        writeln!(text, "  {}. {}", entry.record().number, movement(entry))?;
    }
    for debit in &books.debits {
        let amount = debit.terms.as_ref().map_or(Fen::ZERO, |terms| terms.amount_fen);
        writeln!(text, "  debit {} of {amount}: {}", debit.debit, standing(debit))?;
    }
    Ok(())
}

fn movement(entry: &Entry) -> String {
    let record = entry.record();
    let cause = match &record.cause {
        Cause::Charged { statement } => format!("charged {statement}"),
        Cause::DebitSent { debit } => format!("debit {debit} sent"),
        Cause::DebitPaid { debit, .. } => format!("debit {debit} paid"),
        Cause::DebitGivenUp { debit } => format!("debit {debit} given up"),
        Cause::Recharged { reference } => format!("recharged {reference}"),
        Cause::RechargePaid { recharge, .. } => format!("recharge {recharge} paid"),
        Cause::DebitFound { debit, attempt, .. } => format!("debit {debit}, {attempt} found"),
        Cause::RefundAsked(number) => format!("refund {} asked for", number.out_request_no),
        Cause::RefundDone(number) => format!("refund {} done", number.out_request_no),
        Cause::RefundRefused(number) => format!("refund {} refused", number.out_request_no),
        Cause::Reversed(number) => format!("reversed {}", number.out_request_no),
        Cause::Deposit(movement) => match movement {
            DepositMovement::Paid { recharge, .. } => format!("deposit paid by {recharge}"),
            DepositMovement::Transferred { reference } => format!("deposit paid by {reference}"),
            DepositMovement::Drawn { because } => format!("deposit drawn: {because:?}"),
            DepositMovement::ReturnAsked(_) => "deposit to be returned".to_owned(),
            DepositMovement::Returned(_) => "deposit returned".to_owned(),
            DepositMovement::ReturnRefused(_) => "return of deposit refused".to_owned(),
            DepositMovement::SentBack { reference } => format!("deposit returned by {reference}"),
            DepositMovement::Reversed(_) => "deposit reversed".to_owned(),
        },
    };
    let postings = record.postings.iter().map(|p| format!("{:?} {}", p.ledger, p.amount_fen));
    format!("{cause}: {}", postings.collect::<Vec<_>>().join(", "))
}

fn standing(debit: &Debit) -> String {
    match &debit.phase {
        Phase::Paid { .. } => "paid".to_owned(),
        Phase::GivenUp { why } => format!("given up, {why}"),
        Phase::Held { .. } | Phase::Rechecking { .. } => "held".to_owned(),
        Phase::Withdrawn => "withdrawn".to_owned(),
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Checking { .. }
        | Phase::Closing { .. }
        | Phase::Confirming { .. } => "open".to_owned(),
    }
}
