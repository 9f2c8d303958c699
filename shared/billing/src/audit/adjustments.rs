//! Each adjustment is booked once: it waits on the account, or one statement has it, or it was
//! rejected.

use jiff::SignedDuration;
use steelyard_pricing::Fen;

use super::text::shown;
use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::{Adjustment, AdjustmentNote, AdjustmentPhase};

/// Settlement runs daily; this leaves it half a day to be late.
const BOOKED_WITHIN: SignedDuration = SignedDuration::from_hours(36);

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let books = audited.books;
    for adjustment in &books.adjustments {
        check_place(adjustment, books, found);
        check_approval(adjustment, found);
        check_booked(adjustment, audited, found);
    }
    for (place, note) in places(books) {
        let id = &note.adjustment;
        let is_stored = books.adjustments.iter().any(|stored| stored.note.adjustment == *id);
        found.check(is_stored, || {
            let stated = format!("it has adjustment {id} of {} yuan", note.amount_fen);
            Breach::new(BreachKind::AdjustmentGone, place, stated, "it is not stored")
        });
    }
    Ok(())
}

/// Where notes stand: on the account, and on statements.
fn places(books: &Books) -> impl Iterator<Item = (String, &AdjustmentNote)> {
    let waiting = books.account.adjustments.iter().map(|note| ("the account".to_owned(), note));
    let booked = books.statements.iter().flat_map(|statement| {
        let place = format!("statement {}", statement.statement);
        statement.adjustments.iter().map(move |note| (place.clone(), note))
    });
    waiting.chain(booked)
}

/// An adjustment stands where it says, once and with its amount and its reason.
fn check_place(adjustment: &Adjustment, books: &Books, found: &mut Findings) {
    let note = &adjustment.note;
    let own = places(books).filter(|(_, of)| of.adjustment == note.adjustment);
    let actual = own.map(|(place, of)| said(&place, of.amount_fen, of == note)).collect::<Vec<_>>();
    let place = match &adjustment.phase {
        AdjustmentPhase::Waiting => Some("the account".to_owned()),
        AdjustmentPhase::Booked { booked_on } => Some(format!("statement {booked_on}")),
        AdjustmentPhase::Rejected { .. } => None,
    };
    let stated = place.map(|place| said(&place, note.amount_fen, true));
    found.check(actual == stated.iter().cloned().collect::<Vec<_>>(), || {
        let stated = format!("it is to stand on {}", shown(&stated));
        let actual = format!("it stands on {}", shown(&actual));
        Breach::new(BreachKind::Adjustment, self::place(adjustment), stated, actual)
    });
}

fn said(place: &str, amount: Fen, is_same: bool) -> String {
    let otherwise = if is_same { "" } else { " otherwise" };
    format!("{place} with {amount} yuan{otherwise}")
}

fn check_approval(adjustment: &Adjustment, found: &mut Findings) {
    let AdjustmentNote { by, approval, .. } = &adjustment.note;
    let is_own = approval.as_ref().is_some_and(|approval| approval.by.is_same(by));
    found.check(!is_own, || {
        let stated = format!("{by} approved it");
        Breach::new(BreachKind::Approval, place(adjustment), stated, format!("{by} made it"))
    });
}

/// An adjustment does not wait for longer than until one of the next runs, once it may be booked.
fn check_booked(adjustment: &Adjustment, audited: &Audited<'_>, found: &mut Findings) {
    let note = &adjustment.note;
    let is_due = adjustment.is_waiting() && note.may_be_booked(audited.rules);
    let since = note.approval.as_ref().map_or(note.made_at_s, |approval| approval.at_s);
    found.check(!is_due || audited.now.duration_since(since) <= BOOKED_WITHIN, || {
        let stated = format!("it waits since {}", audited.rules.calendar.wall_time(since));
        let actual = "the next statement was to book it";
        Breach::new(BreachKind::Unbooked, place(adjustment), stated, actual)
    });
}

fn place(adjustment: &Adjustment) -> String {
    format!("adjustment {}", adjustment.note.adjustment)
}
