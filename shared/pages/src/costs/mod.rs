//! Costs: by day and by month, by rate, by API and by source.

pub(crate) mod files;
