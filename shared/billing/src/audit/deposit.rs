//! The deposit that is held is what was paid into it, less what was drawn and what was returned.
//! What was paid into it is returned from it, and nothing else is.

use steelyard_pricing::{Fen, MoneyError};

use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::RefundFrom;
use crate::journal::{Cause, DepositMovement, Entry, Ledger};

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    check_refunds(books, found);
    check_held(books, found)
}

/// The sums of a deposit's movements, by the ledgers on their other side.
#[derive(Clone, Copy, Default)]
struct Sums {
    paid_in: Fen,
    drawn: Fen,
    returned: Fen,
}

fn check_held(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let mut sums = Sums::default();
    for entry in &books.journal {
        sums = sums.after(entry)?;
    }
    let Sums { paid_in, drawn, returned } = sums;
    let (stated, actual) =
        (books.account.figures.deposit(), paid_in.minus(drawn)?.minus(returned)?);
    found.check(stated == actual, || {
        let stated = format!("a deposit of {stated} yuan is held");
        let actual = format!("{paid_in} were paid in, {drawn} drawn and {returned} returned");
        Breach::new(BreachKind::Deposit, "the account", stated, actual)
    });
    Ok(())
}

impl Sums {
    fn after(self, entry: &Entry) -> Result<Sums, MoneyError> {
        let Cause::Deposit(movement) = &entry.record().cause else { return Ok(self) };
        let owed = entry.moved(Ledger::Receivable)?;
        let alipay = entry.moved(Ledger::Alipay)?;
        let bank = entry.moved(Ledger::Bank)?;
        let refunding = entry.moved(Ledger::Refunding)?;
        Ok(match movement {
            DepositMovement::Paid { .. } | DepositMovement::Transferred { .. } => {
                Sums { paid_in: self.paid_in.plus(alipay)?.plus(bank)?, ..self }
            }
            DepositMovement::Drawn { .. } => Sums { drawn: self.drawn.minus(owed)?, ..self },
            DepositMovement::ReturnAsked(_) | DepositMovement::ReturnRefused(_) => {
                Sums { returned: self.returned.minus(refunding)?, ..self }
            }
            // It left the deposit when it was asked for.
            DepositMovement::Returned(_) => self,
            DepositMovement::SentBack { .. } => {
                Sums { returned: self.returned.minus(bank)?, ..self }
            }
            // What was drawn of it before is owed again.
            DepositMovement::Reversed(_) => {
                let owed_again = owed.plus(entry.moved(Ledger::Prepaid)?)?;
                Sums { returned: self.returned.minus(alipay)?.minus(owed_again)?, ..self }
            }
        })
    }
}

/// A payment of the deposit is given back from the deposit, and any other payment is not.
fn check_refunds(books: &Books, found: &mut Findings) {
    for refund in &books.refunds {
        let is_of_deposit =
            books.recharges.iter().any(|of| of.pays_deposit_by(&refund.out_trade_no));
        let is_from_deposit = match refund.from {
            RefundFrom::Deposit => true,
            RefundFrom::Prepaid | RefundFrom::Goodwill => false,
        };
        found.check(is_of_deposit == is_from_deposit, || {
            let named = |is: bool| if is { "the deposit" } else { "other money" };
            let stated = format!("it is taken from {}", named(is_from_deposit));
            let actual = format!("its trade paid {}", named(is_of_deposit));
            Breach::new(BreachKind::Deposit, format!("refund {}", refund.number()), stated, actual)
        });
    }
}
