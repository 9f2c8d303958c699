//! Our client against the local Alipay over real HTTP, and the gateway's own rules over bare
//! sockets.

mod agreements;
mod bills;
mod control;
mod faults;
mod gateway;
mod notification_faults;
mod notifications;
mod pages;
mod receiver;
mod recharges;
mod refunds;
mod stage;
mod trades;
