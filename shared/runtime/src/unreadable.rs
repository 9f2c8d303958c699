//! How items that cannot be read are reported.

use steelyard_store::Unreadable;

/// Logs items that cannot be read, as long as they stand; gives how many no operator has skipped.
pub fn report_unreadable(items: &[Unreadable]) -> usize {
    let mut unskipped = 0;
    for Unreadable { pk, sk, why, skipped } in items {
        if let Some(reason) = skipped {
            tracing::info!(pk, sk, why, reason, "an item that cannot be read is skipped");
            continue;
        }
        unskipped += 1;
        tracing::error!(
            pk,
            sk,
            why,
            // The template makes a metric of it.
            unreadable_items = 1,
            "an item cannot be read; everything else proceeds"
        );
    }
    unskipped
}
