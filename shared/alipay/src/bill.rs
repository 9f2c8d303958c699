//! Bills: the query for the bill of a day, and the files that Alipay makes of one.
//!
//! A bill is the last net for lost answers and notifications, so no row of it is skipped in
//! silence. A row that cannot be read is reported by its line beside the rows that can be; a file
//! whose zip or table cannot be read fails as a whole.

mod columns;
mod fetch;
mod read;
mod table;
mod write;

pub use fetch::BillAnswer;
pub use read::{BillError, BillLine, read_bill, read_bill_lines};
pub use table::TableError;
pub use write::{WriteBillError, write_bill, write_bill_to};

#[cfg(test)]
#[path = "bill/tests.rs"]
mod tests;
