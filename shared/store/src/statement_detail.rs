//! A statement as items: what it says of each API is packed, and a large one has it in items of its
//! own, so that no item grows with the number of APIs.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use steelyard_billing::Statement;
use steelyard_pricing::Usage;

use crate::item::{Item, from_item, keyed, number, text, to_item, unreadable};
use crate::packed::{self, Names};
use crate::schema::{DETAIL, DETAIL_PARTS, SK, detail_sk, provider_pk, statement_sk};
use crate::{Found, StoreError, Unreadable};

/// What reads of statements are called in errors.
pub(crate) const READ_STATEMENTS: &str = "read statements";

/// The most bytes of detail that stand with the statement itself.
const INLINE_MAX: usize = 64 * 1024;

/// The most bytes of detail in one of its parts: an item has 400 KB at most.
const PART_MAX: usize = 256 * 1024;

/// The items of a statement, itself first.
pub(crate) fn statement_items(
    operation: &'static str,
    statement: &Statement,
) -> Result<Vec<Item>, StoreError> {
    let mut bare = statement.clone();
    let usages = usages(&mut bare).map(std::mem::take).collect::<Vec<_>>();
    let detail = packed::pack_all(usages.iter());
    let detail = detail.map_err(|error| StoreError::corrupt(operation, error))?;
    let (pk, id) = (provider_pk(&statement.provider), statement.statement);
    let mut item = to_item(operation, pk.clone(), statement_sk(id), &bare)?;
    if detail.len() <= INLINE_MAX {
        item.insert(DETAIL.to_owned(), bytes(&detail));
        return Ok(vec![item]);
    }
    let parts = detail.chunks(PART_MAX);
    item.insert(DETAIL_PARTS.to_owned(), number(parts.len()));
    let part = |(place, part): (usize, &[u8])| {
        keyed(Item::from([(DETAIL.to_owned(), bytes(part))]), pk.clone(), detail_sk(id, place))
    };
    Ok(std::iter::once(item).chain(parts.enumerate().map(part)).collect())
}

/// The statements of items that come in the order of their keys, by day.
pub(crate) fn statements_of(items: Vec<Item>) -> Result<Vec<Statement>, StoreError> {
    let each = each_of(items)?.into_iter().map(|of| of.statement);
    let mut statements = each.collect::<Result<Vec<_>, _>>()?;
    // As keys, `+10` sorts before `+2`.
    statements.sort_by_key(|statement| statement.statement);
    Ok(statements)
}

/// The same, but each that cannot be read fails alone.
pub(crate) fn found_of(items: Vec<Item>) -> Result<Found<Statement>, StoreError> {
    let mut found = Found { readable: Vec::new(), unreadable: Vec::new() };
    for Named { item, statement } in each_of(items)? {
        match statement {
            Ok(statement) => found.readable.push(statement),
            Err(error) => found.unreadable.push(item.because(&error)),
        }
    }
    found.readable.sort_by_key(|statement| statement.statement);
    Ok(found)
}

/// A statement that was read, or why it cannot be, with the name of its first item.
struct Named {
    item: Unreadable,
    statement: Result<Statement, StoreError>,
}

/// Each statement of items that come in the order of their keys.
fn each_of(items: Vec<Item>) -> Result<Vec<Named>, StoreError> {
    let mut items = items.into_iter().peekable();
    let (mut each, mut names) = (Vec::new(), Names::default());
    while let Some(item) = items.next() {
        let part_of = format!("{}#", text(READ_STATEMENTS, &item, SK)?);
        let is_part =
            |item: &Item| text(READ_STATEMENTS, item, SK).is_ok_and(|sk| sk.starts_with(&part_of));
        let parts = std::iter::from_fn(|| items.next_if(is_part)).collect();
        let name = Unreadable::named(&item);
        each.push(Named { item: name, statement: statement_of(item, parts, &mut names) });
    }
    Ok(each)
}

/// The statement of its item and the parts of its detail.
fn statement_of(
    mut item: Item,
    parts: Vec<Item>,
    names: &mut Names,
) -> Result<Statement, StoreError> {
    let corrupt = unreadable(READ_STATEMENTS, &item);
    let stated = item.get(DETAIL_PARTS).map_or(Some(0), |parts| parts.as_n().ok()?.parse().ok());
    let mut detail = take_detail(&mut item)?.unwrap_or_default();
    let mut statement = without_detail(item)?;
    let stored = parts.len();
    for (place, mut part) in parts.into_iter().enumerate() {
        let of_part = take_detail(&mut part)?;
        detail.extend(of_part.ok_or_else(|| corrupt(format!("part {place} has no detail")))?);
    }
    if stated != Some(stored) {
        return Err(corrupt(format!("{stored} parts of its detail are stored, and not all")));
    }
    let usages = packed::unpack_all(&detail, names);
    let usages = usages.map_err(|error| corrupt(error.to_string()))?;
    let places = self::usages(&mut statement).count();
    if places != usages.len() {
        return Err(corrupt(format!(
            "it has {places} lines with APIs, and {} lists",
            usages.len()
        )));
    }
    self::usages(&mut statement).zip(usages).for_each(|(place, usage)| *place = usage);
    Ok(statement)
}

/// A statement without what it says of each API.
pub(crate) fn without_detail(item: Item) -> Result<Statement, StoreError> {
    from_item(READ_STATEMENTS, item)
}

/// Whether an item is a part of the detail of a statement.
pub(crate) fn is_detail(item: &Item) -> Result<bool, StoreError> {
    // `statement#2015-05-17#007`: the key of a statement has one `#`.
    Ok(text(READ_STATEMENTS, item, SK)?.matches('#').count() > 1)
}

/// Every place of a statement that names APIs, in an order that is always the same.
fn usages(statement: &mut Statement) -> impl Iterator<Item = &mut Usage> {
    let lines = statement.lines.iter_mut().map(|line| &mut line.apis);
    let unpriced = statement.unpriced.iter_mut().map(|unpriced| &mut unpriced.apis);
    let changed = statement.changed_days.iter_mut();
    let changed = changed.flat_map(|changed| [&mut changed.late, &mut changed.void]);
    lines.chain(unpriced).chain(changed)
}

fn take_detail(item: &mut Item) -> Result<Option<Vec<u8>>, StoreError> {
    match item.remove(DETAIL) {
        None => Ok(None),
        Some(AttributeValue::B(bytes)) => Ok(Some(bytes.into_inner())),
        Some(_) => Err(unreadable(READ_STATEMENTS, item)(format!("`{DETAIL}` is not binary"))),
    }
}

fn bytes(detail: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(detail))
}
