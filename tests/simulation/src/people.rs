//! Payers at Alipay.

use jiff::SignedDuration;
use serde_json::json;
use steelyard_local_alipay::{Agreement, AgreementStatus};
use steelyard_offers::RECHARGES_PATH;
use steelyard_runtime::Error;
use steelyard_tests::{agreement_no, keyed};

use crate::machines::Which;
use crate::world::{PROVIDERS, World};

impl World {
    /// A person does something.
    pub(crate) async fn people_act(&mut self) -> Result<(), Error> {
        let provider = self.chaos.pick(&PROVIDERS);
        match self.chaos.draw(0..20) {
            0..=2 => self.fund(provider),
            3 | 4 => self.ask_for_recharge(provider),
            5..=7 => self.pay_what_waits(),
            8 => self.change_agreement(provider).await,
            9 => self.reverse(),
            _ => self.operators_act(provider).await?,
        }
        Ok(())
    }

    /// A payer ends an agreement, or signs another one where there is none.
    async fn change_agreement(&mut self, provider: &str) {
        let alipay = &self.platform.stack.alipay;
        if self.platform.found(provider).await.provider.mandate.is_none() {
            self.references += 1;
            let number = format!("{}{}", agreement_no(provider), self.references);
            self.chaos.note(format_args!("{provider} signs {number}"));
            return self.platform.adopt(provider, &number, 5_000_000).await;
        }
        let agreements = alipay.agreements().expect("it keeps books");
        let in_force =
            |of: &&Agreement| of.payer == provider && of.status == AgreementStatus::Normal;
        let Some(agreement) = agreements.iter().find(in_force) else { return };
        if self.chaos.one_in(3) {
            self.chaos.note(format_args!("{provider} ends {}", agreement.agreement_no));
            let ended = alipay.revoke_agreement(&agreement.agreement_no, self.now());
            ended.expect("it is in force");
        }
    }

    /// A provider asks for a recharge, of its prepaid balance or its deposit, that is paid by a
    /// code.
    pub(crate) fn ask_for_recharge(&mut self, provider: &str) {
        self.references += 1;
        let yuan = self.chaos.pick(&["0.01", "25.00", "400.00"]);
        let purpose = self.chaos.pick(&["prepaid", "prepaid", "deposit"]);
        let asked =
            json!({ "provider": provider, "amount": yuan, "way": "code", "purpose": purpose });
        let event = keyed(RECHARGES_PATH, &asked, &format!("key-{}", self.references));
        let machines = self.machines.clone();
        self.run(async move {
            // A person who sees no code asks again another time.
            let _answer = machines.invoke(Which::Offers, event).await;
            Ok(())
        });
    }

    /// A person scans a code and pays.
    pub(crate) fn pay_what_waits(&self) {
        let alipay = &self.platform.stack.alipay;
        let trades = alipay.trades().expect("it keeps books");
        let waiting: Vec<_> = trades
            .iter()
            .filter(|trade| trade.agreement_no.is_none() && trade.taken_at.is_none())
            .collect();
        if waiting.is_empty() {
            return;
        }
        let trade = self.chaos.pick(&waiting);
        alipay.set_funds("person", steelyard_tests::fen(10_000_000)).expect("it keeps books");
        let paid = alipay.pay_trade(&trade.out_trade_no, "person", self.now());
        let said = paid.map_or_else(|refused| refused.to_string(), |()| "paid".to_owned());
        self.chaos.note(format_args!("a person pays {}: {said}", trade.out_trade_no));
    }

    /// Alipay gives money of a trade back without the merchant's asking.
    fn reverse(&self) {
        if !self.chaos.one_in(4) {
            return;
        }
        let alipay = &self.platform.stack.alipay;
        let trades = alipay.trades().expect("it keeps books");
        let since = self.now() - SignedDuration::from_hours(72);
        let paid: Vec<_> =
            trades.iter().filter(|trade| trade.taken_at.is_some_and(|at| at > since)).collect();
        if paid.is_empty() {
            return;
        }
        let trade = self.chaos.pick(&paid);
        let back = alipay.reverse_trade(&trade.out_trade_no, trade.amount_fen, self.now());
        let said = back.map_or_else(|refused| refused.to_string(), |()| "back".to_owned());
        self.chaos.note(format_args!("money of {} goes back: {said}", trade.out_trade_no));
    }
}
