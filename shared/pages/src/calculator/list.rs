//! Call lists: text that people type, paste or upload, a line for each API. Pure, and strict:
//! whatever could be read in two ways is refused with what to write instead.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_pricing::{Amount, ApiName, ApiNameError, Calls, Metered, Usage};
use utoipa::ToSchema;

use super::fields::{self, Field, Separator, Unclosed};

/// The most lines that a list has.
pub const LIST_LINES_MAX: usize = 2_000;

/// The largest list, in bytes: 2,000 lines of some 65 characters.
pub const LIST_BYTES_MAX: usize = 131_072;

/// A list that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallList {
    /// The sums of the list, by API.
    pub usage: Usage,
    /// Its lines with the numbers that they have in the text, except blank ones and the header.
    pub lines: Vec<ListedCalls>,
    /// The sum over all APIs.
    pub total: Metered,
    /// The number of the header's line, if the list begins with one.
    pub header: Option<usize>,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCalls {
    /// Its number in the text, from 1 on.
    pub line: usize,
    /// The name of the API, as the list has it.
    pub api: ApiName,
    /// Its calls, and what went through them.
    pub metered: Metered,
}

/// An API that several lines name: their counts were summed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SummedLines {
    /// The name that several lines have.
    #[schema(value_type = String)]
    pub api: ApiName,
    /// The numbers of the lines.
    pub lines: Vec<usize>,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineError {
    /// Its number in the text, from 1 on.
    pub line: usize,
    /// The fault, with the text that has it.
    pub fault: LineFault,
}

/// A fault of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LineFault {
    /// There is no line with calls at all.
    Nothing,
    /// There are more than 2,000 lines, or more than 131,072 bytes.
    TooLong,
    /// A quotation mark is not closed in its line.
    Quote,
    /// The name has a character that none has, or too many.
    Api {
        /// The name that the line has.
        api: String,
        /// The character; none if the name is too long.
        character: Option<char>,
    },
    /// The line has no number of calls.
    NoCount {
        /// The API that the line names.
        api: String,
    },
    /// The number of calls is not a whole number written in digits.
    Count {
        /// The text in place of the count.
        count: String,
        /// Why it is not one.
        why: NumberFault,
    },
    /// The amount is not one in yuan.
    Amount {
        /// The text in place of the amount.
        amount: String,
    },
    /// The line has more than an API, a number of calls and an amount.
    Fields {
        /// The number of fields in the line.
        fields: usize,
    },
    /// A number with separators, or a count and an amount.
    Ambiguous {
        /// The count, or the first digits of one.
        count: String,
        /// The amount, or the last digits of the count.
        amount: String,
    },
    /// With this line the list has more than can be counted.
    TooMany,
}

/// Why a text is not a number of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberFault {
    /// A text with characters other than digits.
    NotANumber,
    /// It is rounded, or a formula of a spreadsheet: `1.2E+06`, `=1+1`.
    Spreadsheet,
    /// A number below zero.
    Negative,
    /// A number with decimals other than zeros.
    Fraction,
    /// A number above 10¹¹.
    TooMany,
}

/// Where a line has its fields.
#[derive(Clone, Copy, Debug)]
struct Columns {
    api: usize,
    count: usize,
    amount: Option<usize>,
}

impl Columns {
    /// Without a header: the API, the calls, the amount.
    const USUAL: Columns = Columns { api: 0, count: 1, amount: Some(2) };
}

const API_HEADS: [&str; 9] =
    ["api", "api name", "apiname", "api_name", "name", "method", "接口", "接口名称", "api 名称"];
const COUNT_HEADS: [&str; 14] = [
    "calls",
    "call",
    "count",
    "counts",
    "number of calls",
    "requests",
    "quantity",
    "次数",
    "调用次数",
    "调用量",
    "调用数",
    "请求数",
    "请求次数",
    "数量",
];
const AMOUNT_HEADS: [&str; 7] =
    ["amount", "yuan", "sales", "金额", "交易额", "交易金额", "金额(元)"];

/// Reads a list: an API, its number of calls and, where its price is a share of an amount, that
/// amount in yuan, with a comma, semicolon, tab or spaces between them.
///
/// Full-width characters of Chinese keyboards count as their plain ones. Thousands separators are
/// read where no comma could part two fields: in quotation marks, and in lines with tabs,
/// semicolons or spaces. `1e6` is refused, since spreadsheets write so what they have rounded.
///
/// # Errors
///
/// A [`LineError`] for each line that cannot be read.
pub fn parse_list(text: &str) -> Result<CallList, Vec<LineError>> {
    if text.len() > LIST_BYTES_MAX {
        return Err(vec![LineError { line: 1, fault: LineFault::TooLong }]);
    }
    let (mut list, mut errors) = (CallList::default(), Vec::new());
    let mut columns = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, written) in (1..).zip(fields::lines(text)) {
        let plain = fields::plain(written);
        if plain.trim().is_empty() {
            continue;
        }
        if line > LIST_LINES_MAX {
            errors.push(LineError { line, fault: LineFault::TooLong });
            break;
        }
        let added =
            fields::split(&plain).map_err(LineFault::from).and_then(|(fields, separator)| {
                if columns.is_none() {
                    // The names of columns have spaces inside.
                    let by_commas = || header(&fields::split_at(&plain, Separator::Comma).ok()?);
                    let header = header(&fields).or_else(by_commas);
                    list.header = header.is_some().then_some(line);
                    columns = Some(header.unwrap_or(Columns::USUAL));
                    if list.header.is_some() {
                        return Ok(());
                    }
                }
                let at = columns.unwrap_or(Columns::USUAL);
                read_line(&fields, separator, at)
                    .and_then(|(api, metered)| list.add(line, api, metered))
            });
        errors.extend(added.err().map(|fault| LineError { line, fault }));
    }
    if errors.is_empty() && list.lines.is_empty() {
        errors.push(LineError { line: 1, fault: LineFault::Nothing });
    }
    if errors.is_empty() { Ok(list) } else { Err(errors) }
}

impl From<Unclosed> for LineFault {
    fn from(_: Unclosed) -> LineFault {
        LineFault::Quote
    }
}

impl CallList {
    fn add(&mut self, line: usize, api: ApiName, metered: Metered) -> Result<(), LineFault> {
        self.total = self.total.plus(metered).map_err(|_| LineFault::TooMany)?;
        self.usage.add(api.clone(), metered).map_err(|_| LineFault::TooMany)?;
        self.lines.push(ListedCalls { line, api, metered });
        Ok(())
    }

    /// The APIs that several lines name, by name.
    #[must_use]
    pub fn summed(&self) -> Vec<SummedLines> {
        let mut lines: BTreeMap<&ApiName, Vec<usize>> = BTreeMap::new();
        for listed in &self.lines {
            lines.entry(&listed.api).or_default().push(listed.line);
        }
        let summed = lines.into_iter().filter(|(_, lines)| lines.len() > 1);
        summed.map(|(api, lines)| SummedLines { api: api.clone(), lines }).collect()
    }

    /// The first line that names an API.
    #[must_use]
    pub fn line_of(&self, api: &ApiName) -> Option<usize> {
        self.lines.iter().find(|listed| listed.api == *api).map(|listed| listed.line)
    }
}

/// The columns that a header names; none if the line is no header.
fn header(fields: &[Field]) -> Option<Columns> {
    let place = |heads: &[&str]| {
        fields.iter().position(|field| heads.contains(&&*field.text.to_lowercase()))
    };
    let (api, count, amount) = (place(&API_HEADS)?, place(&COUNT_HEADS)?, place(&AMOUNT_HEADS));
    let named = 2 + usize::from(amount.is_some());
    (fields.len() == named).then_some(Columns { api, count, amount })
}

fn read_line(
    fields: &[Field],
    separator: Separator,
    at: Columns,
) -> Result<(ApiName, Metered), LineFault> {
    let text =
        |place: usize| fields.get(place).map(|field| field.text.as_str()).unwrap_or_default();
    let amount = at.amount.map(text).unwrap_or_default();
    let (api, count) = (text(at.api), text(at.count));
    // What is wrong with the name is the first to mend: what stands beside it may be a part of it.
    let name = api.parse::<ApiName>().map_err(|error| bad_name(api, &error))?;
    if count.is_empty() {
        return Err(LineFault::NoCount { api: api.to_owned() });
    }
    if fields.len() > if at.amount.is_some() { 3 } else { 2 } {
        return Err(LineFault::Fields { fields: fields.len() });
    }
    let is_quoted = fields.get(at.count).is_some_and(|field| field.is_quoted);
    let may_group = separator != Separator::Comma || is_quoted;
    if looks_grouped(count, amount) && separator.is_in_numbers() && at.amount == Some(at.count + 1)
    {
        return Err(LineFault::Ambiguous { count: count.to_owned(), amount: amount.to_owned() });
    }
    let calls = read_count(count, may_group)
        .map_err(|why| LineFault::Count { count: count.to_owned(), why })?;
    let amount = match amount {
        "" => Amount::ZERO,
        written => read_amount(written, separator)
            .ok_or_else(|| LineFault::Amount { amount: written.to_owned() })?,
    };
    Ok((name, Metered { calls, amount }))
}

fn bad_name(api: &str, error: &ApiNameError) -> LineFault {
    let character = match error {
        ApiNameError::Character(character) => Some(*character),
        ApiNameError::Length(_) | ApiNameError::WildcardInside(_) => None,
    };
    LineFault::Api { api: api.chars().take(130).collect(), character }
}

/// Whether a count and an amount may be one number, cut by its separator: `1` and `450`.
fn looks_grouped(count: &str, amount: &str) -> bool {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_head = (1..=3).contains(&count.len()) && are_digits(count) && !count.starts_with('0');
    is_head && amount.len() == 3 && are_digits(amount)
}

fn read_count(text: &str, may_group: bool) -> Result<Calls, NumberFault> {
    if text.starts_with('-') || text.starts_with('−') {
        return Err(NumberFault::Negative);
    }
    if text.starts_with(['=', '+', '@', '\'']) || is_scientific(text) {
        return Err(NumberFault::Spreadsheet);
    }
    let number = ungrouped(text, may_group).ok_or(NumberFault::NotANumber)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((&number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) {
        return Err(NumberFault::NotANumber);
    }
    if decimals.bytes().any(|digit| digit != b'0') {
        return Err(NumberFault::Fraction);
    }
    let calls = whole.parse().ok().map(Calls::new).filter(|calls| *calls <= Calls::MAX);
    calls.ok_or(NumberFault::TooMany)
}

/// Whether a number is written as `1e6` or `1.2E+06`.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_number = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',')
    };
    is_number(mantissa) && is_number(exponent)
}

fn read_amount(text: &str, separator: Separator) -> Option<Amount> {
    let text = text.strip_prefix('¥').unwrap_or(text).trim();
    let number = ungrouped(text, separator != Separator::Comma || text.contains(','))?;
    let decimal: Decimal = number.parse::<Amount>().ok()?.get();
    Amount::new(decimal)
}

/// A number without its thousands separators; none if they part other groups than of three digits.
fn ungrouped(text: &str, may_group: bool) -> Option<String> {
    if !text.contains(',') {
        return Some(text.to_owned());
    }
    let (whole, rest) = text.split_once('.').map_or((text, ""), |(whole, rest)| (whole, rest));
    let mut groups = whole.split(',');
    let is_first = |group: &str| (1..=3).contains(&group.len());
    let is_grouped = groups.next().is_some_and(is_first) && groups.all(|group| group.len() == 3);
    let is_plain = may_group && is_grouped && !rest.contains(',');
    is_plain.then(|| text.replace(',', ""))
}
