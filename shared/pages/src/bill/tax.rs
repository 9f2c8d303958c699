//! The taxes of bills.

use serde::Serialize;
use steelyard_billing::{Statement, StatementTax};
use steelyard_pricing::{Fen, MoneyError, Percent, Tax, TaxBehavior};
use utoipa::ToSchema;

use super::texts::Texts;
use crate::show::{Figure, Html};

/// The tax of one rate on a bill, or on several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillTax {
    /// The rate, of the price without tax.
    #[schema(value_type = String)]
    pub percent: Percent,
    /// Whether prices include the tax. A tax that they do not include has a line of its own.
    pub is_included: bool,
    /// The charges that it applies to, with the tax if prices include it, and without it if not.
    #[schema(value_type = i64)]
    pub of_fen: Fen,
    /// How much of them is tax, or how much is added to them.
    #[schema(value_type = i64)]
    pub tax_fen: Fen,
}

impl BillTax {
    /// The taxes of some statements, each the sum of theirs.
    pub(super) fn of<'a>(
        statements: impl IntoIterator<Item = &'a Statement>,
    ) -> Result<Vec<BillTax>, MoneyError> {
        let mut taxes = Vec::<BillTax>::new();
        for statement in statements {
            for StatementTax { tax: Tax { percent, behavior }, of_fen, tax_fen } in
                statement.taxes()?
            {
                let is_included = behavior == TaxBehavior::Inclusive;
                let same =
                    |of: &&mut BillTax| (of.percent, of.is_included) == (percent, is_included);
                match taxes.iter_mut().find(same) {
                    Some(sum) => {
                        sum.of_fen = sum.of_fen.plus(of_fen)?;
                        sum.tax_fen = sum.tax_fen.plus(tax_fen)?;
                    }
                    None => taxes.push(BillTax { percent, is_included, of_fen, tax_fen }),
                }
            }
        }
        Ok(taxes)
    }

    pub(super) fn text(&self, t: Texts) -> Html {
        let (percent, tax) = (&self.percent, Figure(self.tax_fen));
        if self.is_included { t.tax_included(percent, tax) } else { t.tax_added(percent, tax) }
    }
}
