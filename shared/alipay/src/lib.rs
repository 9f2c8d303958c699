//! The Alipay gateway client.
