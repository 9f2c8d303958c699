//! What our books say Alipay moved and no bill has shown yet, the results of reconciling days, and
//! the differences that a person must look at.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::Update;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steelyard_billing::{OpenFinding, OutTradeNo, Reconciliation, Unmatched};

use crate::item::{Item, from_item, number, string, text, to_item};
use crate::query::Range;
use crate::schema::{
    BILL_PARTS, FINDINGS, FORMAT, FORMAT_NAME, KEY_BEGIN, KEY_END, PK, RECONCILIATION, RUNS, SK,
    bill_part, finding_sk, unmatched_pk, unmatched_sk,
};
use crate::unreadable::Unreadable;
use crate::writes::Index;
use crate::{BillingTable, Found, StoreError, Writes, batch};

const READ: &str = "read what no bill has shown";
const READ_DAY: &str = "read a reconciliation";
const READ_FINDINGS: &str = "read the open findings";

/// The field of [`FirstBill`].
const FIRST_BILL: &str = "first_bill";

/// Where reconciliation began, as it is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct FirstBill {
    first_bill: Date,
}

/// What no bill has shown yet.
#[derive(Clone, Debug, Default)]
pub struct Unshown {
    /// The movements, by day.
    pub unmatched: Vec<Unmatched>,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl Unshown {
    fn add(&mut self, items: Vec<Item>) {
        for item in items {
            match from_item(READ, item.clone()) {
                Ok(unmatched) => self.unmatched.push(unmatched),
                Err(error) => self.unreadable.push(Unreadable::new(&item, &error)),
            }
        }
    }
}

impl BillingTable {
    /// Everything that our books say Alipay moved and no bill has shown yet, by day. An item that
    /// cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unmatched(&self) -> Result<Unshown, StoreError> {
        let mut all = Unshown::default();
        for part in 0..BILL_PARTS {
            let Unshown { unmatched, unreadable } = self.unmatched_of(part).await?;
            all.unmatched.extend(unmatched);
            all.unreadable.extend(unreadable);
        }
        all.unmatched.sort_by_cached_key(unmatched_sk);
        Ok(all)
    }

    /// The same of one part of all days.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unmatched_of(&self, part: u8) -> Result<Unshown, StoreError> {
        self.unmatched_in(part, KEY_BEGIN.to_owned(), KEY_END.to_owned()).await
    }

    /// The same of one part of some days, both inclusive.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unmatched_between(
        &self,
        part: u8,
        from: Date,
        through: Date,
    ) -> Result<Unshown, StoreError> {
        self.unmatched_in(part, format!("{from}#"), format!("{through}#{KEY_END}")).await
    }

    /// Reads page by page, so that a page at most is in memory twice.
    async fn unmatched_in(
        &self,
        part: u8,
        from: String,
        to: String,
    ) -> Result<Unshown, StoreError> {
        let range = Range { table: &self.table, pk: unmatched_pk(part), from, to };
        let (mut unshown, mut after) = (Unshown::default(), None);
        loop {
            let page = range.page(&self.client, READ, after, None).await?;
            unshown.add(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(unshown);
            }
        }
    }

    /// The result of reconciling a day; none if it was not reconciled.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the result, cannot be read.
    pub async fn reconciliation(&self, day: Date) -> Result<Option<Reconciliation>, StoreError> {
        let range = Range::one(&self.table, RECONCILIATION.to_owned(), day.to_string());
        range.record(&self.client, READ_DAY).await
    }

    /// Which of some movements Alipay's bills have shown, by their trade, with the day of the bill:
    /// the bill of the day on which each was booked was held against the books, the movement is not
    /// among those that no bill has shown, and no difference was reported. One request for 33
    /// movements.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the result of a day, cannot be read.
    pub async fn shown(
        &self,
        moved: &[Unmatched],
    ) -> Result<BTreeMap<OutTradeNo, Date>, StoreError> {
        let keys = moved.iter().flat_map(|of| {
            let trade = of.out_trade_no.to_string();
            let request = of.out_request_no.as_ref().map(ToString::to_string);
            [
                (unmatched_pk(bill_part(&trade)), unmatched_sk(of)),
                (FINDINGS.to_owned(), finding_sk(&trade, request.as_deref())),
                (RECONCILIATION.to_owned(), of.booked_on.to_string()),
            ]
        });
        let keys = keys.collect::<BTreeSet<_>>().into_iter().collect();
        let (mut open, mut days) = (BTreeSet::new(), BTreeSet::new());
        for item in batch::items(&self.client, &self.table, READ_DAY, keys).await? {
            if text(READ_DAY, &item, PK)? == RECONCILIATION {
                let day: Reconciliation = from_item(READ_DAY, item)?;
                if day.skipped.is_none() {
                    days.insert(day.day);
                }
            } else {
                open.insert(text(READ_DAY, &item, SK)?.to_owned());
            }
        }
        let is_shown = |of: &&Unmatched| {
            let request = of.out_request_no.as_ref().map(ToString::to_string);
            let finding = finding_sk(of.out_trade_no.as_str(), request.as_deref());
            days.contains(&of.booked_on)
                && !open.contains(&unmatched_sk(of))
                && !open.contains(&finding)
        };
        let shown = moved.iter().filter(is_shown);
        Ok(shown.map(|of| (of.out_trade_no.clone(), of.booked_on)).collect())
    }

    /// The days from one on that were reconciled or skipped.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn reconciled_since(&self, day: Date) -> Result<BTreeSet<Date>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: RECONCILIATION.to_owned(),
            from: day.to_string(),
            to: KEY_END.to_owned(),
        };
        // The key says the day, so that a result that cannot be read is no day to do again.
        let items = range.all(&self.client, READ_DAY).await?;
        let day = |sk: &str| sk.parse().map_err(|error| StoreError::corrupt(READ_DAY, error));
        items.iter().map(|item| day(text(READ_DAY, item, SK)?)).collect()
    }

    /// The first day whose bill is to be reconciled: that of the first registration of a provider,
    /// before which nobody can have paid; none before that.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the item, cannot be read.
    pub async fn first_bill(&self) -> Result<Option<Date>, StoreError> {
        let range = Range::one(&self.table, RUNS.to_owned(), RECONCILIATION.to_owned());
        let first: Option<FirstBill> = range.record(&self.client, READ_DAY).await?;
        Ok(first.map(|first| first.first_bill))
    }

    /// The last day that was reconciled or skipped; none if none was.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn last_reconciled(&self) -> Result<Option<Date>, StoreError> {
        let range = Range::prefix(&self.table, RECONCILIATION.to_owned(), "");
        let page = range.page_back(&self.client, READ_DAY, None, Some(1)).await?;
        let day = |sk: &str| sk.parse().map_err(|error| StoreError::corrupt(READ_DAY, error));
        page.items.first().map(|item| day(text(READ_DAY, item, SK)?)).transpose()
    }

    /// The results of the days from that one on, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn reconciliations_since(
        &self,
        day: Date,
    ) -> Result<Found<Reconciliation>, StoreError> {
        let pk = RECONCILIATION.to_owned();
        let range = Range { table: &self.table, pk, from: day.to_string(), to: KEY_END.to_owned() };
        Ok(Found::of(READ_DAY, range.all(&self.client, READ_DAY).await?))
    }

    /// The results of the latest days that were reconciled or skipped, the newest first, at most
    /// `limit`: one request.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn latest_reconciliations(
        &self,
        limit: u16,
    ) -> Result<Found<Reconciliation>, StoreError> {
        let range = Range::prefix(&self.table, RECONCILIATION.to_owned(), "");
        let page = range.page_back(&self.client, READ_DAY, None, Some(limit.into())).await?;
        Ok(Found::of(READ_DAY, page.items))
    }

    /// The finding about a trade or a refund; none if none was ever reported.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the finding, cannot be read.
    pub async fn finding(
        &self,
        trade: &str,
        request: Option<&str>,
    ) -> Result<Option<OpenFinding>, StoreError> {
        let range = Range::one(&self.table, FINDINGS.to_owned(), finding_sk(trade, request));
        range.record(&self.client, READ_FINDINGS).await
    }

    /// Whether a finding about a trade or a refund was ever reported, readable or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn has_finding(
        &self,
        trade: &str,
        request: Option<&str>,
    ) -> Result<bool, StoreError> {
        let range = Range::one(&self.table, FINDINGS.to_owned(), finding_sk(trade, request));
        Ok(!range.all(&self.client, READ_FINDINGS).await?.is_empty())
    }

    /// Every finding that was reported, closed ones too, by trade.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn findings(&self) -> Result<Found<OpenFinding>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: FINDINGS.to_owned(),
            from: KEY_BEGIN.to_owned(),
            to: KEY_END.to_owned(),
        };
        Ok(Found::of(READ_FINDINGS, range.all(&self.client, READ_FINDINGS).await?))
    }
}

impl Writes {
    /// Writes what a bill has to show. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub(crate) fn unmatched(&mut self, moved: &Unmatched) -> Result<(), StoreError> {
        let pk = unmatched_pk(bill_part(moved.out_trade_no.as_str()));
        let item = to_item(self.operation, pk, unmatched_sk(moved), moved)?;
        self.put_always(item);
        Ok(())
    }

    /// Notes that a bill showed it. Doing so again changes nothing.
    pub fn shown(&mut self, shown: &Unmatched) {
        let pk = unmatched_pk(bill_part(shown.out_trade_no.as_str()));
        self.delete(&pk, unmatched_sk(shown));
    }

    /// Writes the first day whose bill is to be reconciled, once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub(crate) fn first_bill(&mut self, first_bill: Date) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(RUNS))
            .key(SK, string(RECONCILIATION))
            .update_expression(
                "SET #format = if_not_exists(#format, :format), #first_bill = if_not_exists(#first_bill, :first_bill)",
            )
            .expression_attribute_names("#format", FORMAT_NAME)
            .expression_attribute_names("#first_bill", FIRST_BILL)
            .expression_attribute_values(":format", number(FORMAT))
            .expression_attribute_values(":first_bill", string(first_bill.to_string()))
            .build();
        self.update(update.map_err(|error| StoreError::corrupt(self.operation, error))?);
        Ok(())
    }

    /// Writes the result of reconciling a day, in place of the result before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn reconciliation(&mut self, of: &Reconciliation) -> Result<(), StoreError> {
        let (pk, sk) = (RECONCILIATION.to_owned(), of.day.to_string());
        self.put_always(to_item(self.operation, pk, sk, of)?);
        Ok(())
    }

    /// Writes a finding over the one before, or a new one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn finding(
        &mut self,
        before: Option<&OpenFinding>,
        after: &OpenFinding,
    ) -> Result<(), StoreError> {
        let version = before.map_or(0, |before| before.version + 1);
        let after = OpenFinding { version, ..after.clone() };
        let of = &after.finding;
        let sk = finding_sk(&of.out_trade_no, of.out_request_no.as_deref());
        let before = before.map(|before| (before, before.version));
        self.change((FINDINGS.to_owned(), sk), before, &after, Index::default())
    }
}
