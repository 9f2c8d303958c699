//! Steelyard's two DynamoDB tables.
