//! What a list costs: computed from the quote that the books give for it.

use serde::Serialize;
use steelyard_billing::{MonthFigures, MonthUnderPlan, OnTopError, ProviderId, QuoteOnTop};
use steelyard_pricing::{
    Amount, ApiName, BillingDay, BillingMonth, Calls, Catalog, Fen, LineCause, LineOnTop, Metered,
    Name, Plan, TermsRef, UsageError,
};
use thiserror::Error;
use utoipa::ToSchema;

use super::list::{CallList, LineError, SummedLines};
use super::work::{Step, steps};
use crate::records::Records;

/// The calculator: what can be asked, and what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CalculatorView {
    /// The provider whose terms price the list.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// The terms that hold today; none if no plan does.
    pub own: Option<TermsView>,
    /// The other plans that are on offer today, by name.
    #[schema(value_type = Vec<String>)]
    pub on_offer: Vec<Name>,
    /// Under which of them prices were asked for.
    pub under: Under,
    /// What came of the list.
    pub outcome: Outcome,
}

/// Terms by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TermsView {
    /// The name of the plan.
    #[schema(value_type = String)]
    pub plan: Name,
    /// The first day of its version.
    #[schema(value_type = String)]
    pub version: BillingDay,
    /// The provider's overrides.
    #[schema(value_type = Vec<String>)]
    pub overrides: Vec<Name>,
}

/// Under which terms a list is priced, beside the provider's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "terms", rename_all = "snake_case")]
pub enum Under {
    /// Every plan on offer.
    #[default]
    All,
    /// The provider's own terms, and no others.
    Own,
    /// The terms of one plan that is on offer.
    Plan {
        /// The name of the plan.
        #[schema(value_type = String)]
        plan: Name,
    },
}

/// What came of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was asked yet.
    Nothing,
    /// Lines cannot be read.
    Refused {
        /// Those lines, at most 2,000.
        errors: Vec<LineError>,
    },
    /// The list cannot be priced.
    NotPriced {
        /// The cause, which the page shows.
        why: NotPriced,
    },
    /// The price of the list, with its calculation.
    Priced(Box<Priced>),
}

/// Why a list cannot be priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum NotPriced {
    /// Usage of the provider is counted from a later month on.
    NotBilledYet {
        /// The first month whose usage is counted.
        #[schema(value_type = String)]
        from: BillingMonth,
    },
    /// No plan of the provider is in force today.
    NoPlan,
    /// Today is settled already, since a clock was ahead.
    Settled,
    /// With the list the month has more than can be counted or priced, or a plan cannot be read.
    Rules,
}

/// The price of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Priced {
    /// The month so far, without the list.
    pub month: MonthView,
    /// How many calls the list has.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// What it adds to the month so far.
    #[schema(value_type = i64)]
    pub adds_fen: Fen,
    /// The month so far with it.
    #[schema(value_type = i64)]
    pub month_fen: Fen,
    /// The price in a month of its own; none if that was not asked for.
    #[schema(value_type = Option<i64>)]
    pub alone_fen: Option<Fen>,
    /// What adds up to `adds_fen`.
    pub lines: Vec<AddedLine>,
    /// The APIs that no rate covers.
    pub unpriced: Vec<UnpricedApi>,
    /// The APIs that several lines of the list name.
    pub summed: Vec<SummedLines>,
    /// A month that ends with the list, under each plan; the provider's own terms first.
    pub plans: Vec<PlanView>,
    /// What the provider's own terms make due at the end of the month, with the list, beside what
    /// is due now: that of a minimum, for example.
    #[schema(value_type = i64)]
    pub due_at_end_fen: Fen,
}

/// A month so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthView {
    /// The month that is not over yet.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// The last day of the month that is settled; none if none is.
    #[schema(value_type = Option<String>)]
    pub settled_through: Option<BillingDay>,
    /// The sum that the month's bills charge.
    #[schema(value_type = i64)]
    pub settled_fen: Fen,
    /// What the coming night would settle.
    #[schema(value_type = i64)]
    pub coming_fen: Fen,
    /// The sum of the settled and the coming charges.
    #[schema(value_type = i64)]
    pub so_far_fen: Fen,
    /// What the usage so far amounts to under rates that are charged at the end of the month.
    #[schema(value_type = i64)]
    pub at_month_end_fen: Fen,
}

/// What the list adds to one rate, or to what the plan makes of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddedLine {
    /// The rate; none for what the plan adds to the sum of its rates, or takes off.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// Why there is a line.
    #[schema(value_type = String)]
    pub because: LineCause,
    /// The APIs of the list under the rate.
    pub apis: Vec<AddedApi>,
    /// The calls of this month under the rate, before the list.
    #[schema(value_type = u64)]
    pub calls_before: Calls,
    /// The calls with the list.
    #[schema(value_type = u64)]
    pub calls_after: Calls,
    /// What the list has of them.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// What went through the calls of the list, in yuan.
    #[schema(value_type = String)]
    pub amount: Amount,
    /// The ends of tiers that the list passes, in units beyond all allowances.
    #[schema(value_type = Vec<String>)]
    pub tiers_passed: Vec<rust_decimal::Decimal>,
    /// The free units that were used before the list, of the month or of its days.
    #[schema(value_type = String)]
    pub free_used_before: rust_decimal::Decimal,
    /// The free units of the month that the list passes; none if it passes none.
    #[schema(value_type = Option<String>)]
    pub free_passed: Option<rust_decimal::Decimal>,
    /// The amount that the list adds, in fen.
    #[schema(value_type = i64)]
    pub adds_fen: Fen,
    /// How, to be keyed in from the first to the last.
    pub work: Vec<Step>,
}

/// What the list has of one API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddedApi {
    /// The name of the API, as the list has it.
    #[schema(value_type = String)]
    pub api: ApiName,
    /// The calls of the list.
    #[schema(value_type = u64)]
    pub calls: Calls,
}

/// An API of the list that no rate covers: its calls cost nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnpricedApi {
    /// The first line that names it; none where the list has it under another name.
    pub line: Option<usize>,
    /// The name of the API, as the list has it.
    #[schema(value_type = String)]
    pub api: ApiName,
    /// The calls of the list.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// An API of the plan or of the list that is written almost like it.
    #[schema(value_type = Option<String>)]
    pub meant: Option<ApiName>,
}

/// A month under some terms, if it ends with the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanView {
    /// The terms, by the names of plan and overrides.
    pub terms: TermsView,
    /// Whether they are the provider's own.
    pub is_own: bool,
    /// What the operator says of the plan; empty for the provider's own terms.
    pub description: String,
    /// A month with the list alone.
    #[schema(value_type = i64)]
    pub alone_fen: Fen,
    /// The month so far.
    #[schema(value_type = i64)]
    pub so_far_fen: Fen,
    /// The month so far with the list.
    #[schema(value_type = i64)]
    pub month_fen: Fen,
    /// By how much it costs more than the provider's own terms, with the list.
    #[schema(value_type = i64)]
    pub against_own_fen: Fen,
    /// Whether nothing costs less with the list. Of equals the first is.
    pub is_cheapest: bool,
}

/// Why there is no view: what was quoted contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalculatorError {
    /// Counts cannot be added.
    #[error("cannot count the list")]
    Count(#[from] UsageError),
    /// Amounts cannot be added.
    #[error("cannot compute what the list adds")]
    Money(#[from] steelyard_pricing::MoneyError),
}

impl Under {
    /// What a person chose in the form: every plan, unless it is one of the others.
    #[must_use]
    pub fn chosen(value: &str) -> Under {
        match value.strip_prefix("plan:").map(str::parse) {
            Some(Ok(plan)) => Under::Plan { plan },
            None if value == "own" => Under::Own,
            Some(Err(_)) | None => Under::All,
        }
    }
}

impl From<&OnTopError> for NotPriced {
    fn from(error: &OnTopError) -> NotPriced {
        match error {
            OnTopError::NotBilledYet(from) => NotPriced::NotBilledYet { from: *from },
            OnTopError::Settled(_) => NotPriced::Settled,
            OnTopError::NoPlan(_) => NotPriced::NoPlan,
            OnTopError::Quote(_) | OnTopError::Settlement(_) => NotPriced::Rules,
        }
    }
}

impl From<TermsRef> for TermsView {
    fn from(TermsRef { plan, version, overrides }: TermsRef) -> TermsView {
        TermsView { plan, version, overrides }
    }
}

impl From<MonthFigures> for MonthView {
    fn from(figures: MonthFigures) -> MonthView {
        MonthView {
            month: figures.month,
            settled_through: figures.settled_through.filter(|day| day.month() == figures.month),
            settled_fen: figures.settled_fen,
            coming_fen: figures.coming_fen,
            so_far_fen: figures.so_far_fen,
            at_month_end_fen: figures.at_month_end_fen,
        }
    }
}

impl CalculatorView {
    /// The calculator before anything was asked.
    ///
    /// # Errors
    ///
    /// [`steelyard_billing::CalendarError`] when the time is outside the calendar.
    pub fn new(records: &Records<'_>) -> Result<CalculatorView, steelyard_billing::CalendarError> {
        let Records { provider, plans, .. } = *records;
        let today = records.calendar().day_of(records.now)?;
        let own = provider.terms_on(today, plans).map(|terms| terms.reference());
        let is_other = |plan: &&Plan| own.as_ref().is_none_or(|own| own.plan != *plan.name());
        let on_offer = plans.on_offer(today).filter(is_other).map(|plan| plan.name().clone());
        Ok(CalculatorView {
            provider: provider.provider.clone(),
            on_offer: on_offer.collect(),
            own: own.map(TermsView::from),
            under: Under::All,
            outcome: Outcome::Nothing,
        })
    }

    /// The same, for a list under some terms.
    #[must_use]
    pub fn with(self, under: Under, outcome: Outcome) -> CalculatorView {
        CalculatorView { under, outcome, ..self }
    }
}

impl Priced {
    /// What a list costs, by the quote for its usage; `plans` are those of the platform.
    ///
    /// # Errors
    ///
    /// [`CalculatorError`] when the quote contradicts itself.
    pub fn new(
        list: &CallList,
        quote: &QuoteOnTop,
        plans: &Catalog,
    ) -> Result<Priced, CalculatorError> {
        let own = quote.plans.iter().find(|plan| plan.is_own);
        let lines = quote.lines.iter().map(AddedLine::new).collect::<Result<Vec<_>, _>>()?;
        let at_end = own.map_or(Ok(Fen::ZERO), |own| own.month_fen.minus(quote.month_fen))?;
        let own_plan = own.and_then(|own| plans.version(&own.terms.plan, own.terms.version));
        Ok(Priced {
            month: quote.month_to_date.into(),
            calls: list.total.calls,
            adds_fen: quote.adds_fen,
            month_fen: quote.month_fen,
            alone_fen: own.map(|own| own.alone_fen),
            lines,
            unpriced: unpriced(list, quote, own_plan),
            summed: list.summed(),
            plans: compared(&quote.plans, plans)?,
            due_at_end_fen: at_end,
        })
    }
}

impl AddedLine {
    /// Whether free units were used before the list, and it is charged.
    pub(super) fn has_used_free(&self) -> bool {
        !self.free_used_before.is_zero() && self.adds_fen.is_positive()
    }

    fn new(on_top: &LineOnTop) -> Result<AddedLine, CalculatorError> {
        let LineOnTop { line, tiers_passed, allowance_passed, .. } = on_top;
        let Metered { calls, amount } = line.apis.total()?;
        let apis = line.apis.iter().map(|(api, metered)| {
            let (api, calls) = (api.clone(), metered.calls);
            AddedApi { api, calls }
        });
        let free = line.after.free_used + line.after.plan_free_used;
        Ok(AddedLine {
            rate: line.rate.clone(),
            because: line.because,
            apis: apis.collect(),
            calls_before: line.before.metered.calls,
            calls_after: line.after.metered.calls,
            calls,
            amount,
            tiers_passed: tiers_passed.clone(),
            free_used_before: line.before.free_used + line.before.plan_free_used,
            free_passed: allowance_passed.then_some(free),
            adds_fen: line.charge_fen,
            work: steps(on_top)?,
        })
    }
}

fn compared(quoted: &[MonthUnderPlan], plans: &Catalog) -> Result<Vec<PlanView>, CalculatorError> {
    let own = quoted.iter().find(|plan| plan.is_own).map_or(Fen::ZERO, |own| own.month_fen);
    // The first of equals: `min_by_key` takes the first.
    let cheapest = (0..).zip(quoted).min_by_key(|(_, plan)| plan.month_fen).map(|(place, _)| place);
    let view = |(place, plan): (usize, &MonthUnderPlan)| {
        let version = plans.version(&plan.terms.plan, plan.terms.version).filter(|_| !plan.is_own);
        Ok(PlanView {
            terms: plan.terms.clone().into(),
            is_own: plan.is_own,
            description: version
                .map_or_else(String::new, |plan| plan.document().description.clone()),
            alone_fen: plan.alone_fen,
            so_far_fen: plan.so_far_fen,
            month_fen: plan.month_fen,
            against_own_fen: plan.month_fen.minus(own)?,
            is_cheapest: Some(place) == cheapest && quoted.len() > 1,
        })
    };
    (0..).zip(quoted).map(view).collect()
}

fn unpriced(list: &CallList, quote: &QuoteOnTop, plan: Option<&Plan>) -> Vec<UnpricedApi> {
    let known = known_apis(list, quote, plan);
    let of_quote = quote.unpriced.iter().flat_map(|unpriced| unpriced.apis.iter());
    let view = |(api, metered): (&ApiName, Metered)| UnpricedApi {
        line: list.line_of(api),
        api: api.clone(),
        calls: metered.calls,
        meant: known.iter().find(|known| is_almost(api.as_str(), known.as_str())).cloned(),
    };
    of_quote.map(view).collect()
}

/// The names that have a price: those that the plan lists, and those of the list that a rate
/// covers.
fn known_apis(list: &CallList, quote: &QuoteOnTop, plan: Option<&Plan>) -> Vec<ApiName> {
    let listed = plan.into_iter().flat_map(Plan::rates).flat_map(|rate| &rate.apis);
    let exact = listed.filter_map(|pattern| match pattern {
        steelyard_pricing::ApiPattern::Exact(api) => Some(api.clone()),
        steelyard_pricing::ApiPattern::Prefix(_) => None,
    });
    let unpriced = |api: &ApiName| {
        quote.unpriced.iter().any(|unpriced| unpriced.apis.of(api) != Metered::ZERO)
    };
    let called = list.lines.iter().map(|listed| listed.api.clone()).filter(|api| !unpriced(api));
    exact.chain(called).collect()
}

/// Whether two names differ by one character: another, one more or less, or two that are swapped.
fn is_almost(written: &str, known: &str) -> bool {
    let (written, known) = (written.as_bytes(), known.as_bytes());
    if written.len().abs_diff(known.len()) > 1 {
        return false;
    }
    let same_start = written.iter().zip(known).take_while(|(a, b)| a == b).count();
    let (written, known) = (written.get(same_start..), known.get(same_start..));
    let (Some(written), Some(known)) = (written, known) else { return false };
    match (written, known) {
        ([a, b, rest @ ..], [c, d, known_rest @ ..]) if a == d && b == c => rest == known_rest,
        ([_, rest @ ..], _) if rest == known => true,
        (_, [_, rest @ ..]) if rest == written => true,
        ([_, rest @ ..], [_, known_rest @ ..]) => rest == known_rest,
        _ => false,
    }
}
