//! The calculator: what a list of calls costs, alone and on top of the month so far.

mod fields;
mod list;
mod page;
mod texts;
mod view;
mod work;

pub use list::{
    CallList, LIST_BYTES_MAX, LIST_LINES_MAX, LineError, LineFault, ListedCalls, NumberFault,
    SummedLines, parse_list,
};
pub use page::CalculatorPage;
pub use view::{
    AddedApi, AddedLine, CalculatorError, CalculatorView, MonthView, NotPriced, Outcome, PlanView,
    Priced, TermsView, Under, UnpricedApi,
};
pub use work::Step;

#[cfg(test)]
mod tests;
