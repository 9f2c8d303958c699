//! People: payers at Alipay, and operators.

use jiff::SignedDuration;
use serde_json::json;
use steelyard_billing::{OutRequestNo, Phase, Recharge, RefundRef, Resolution};
use steelyard_local_alipay::{Agreement, AgreementStatus};
use steelyard_offers::RECHARGES_PATH;
use steelyard_tests::keyed;

use crate::machines::Which;
use crate::world::{PROVIDERS, World};

impl World {
    /// A person does something.
    pub(crate) async fn people_act(&mut self) {
        let provider = self.chaos.pick(&PROVIDERS);
        match self.chaos.draw(0..13) {
            0..=2 => self.fund(provider),
            3 | 4 => self.ask_for_recharge(provider),
            5..=7 => self.pay_what_waits(),
            8 => self.transfer(provider).await,
            9 => self.give_back(provider).await,
            10 => self.change_agreement(provider).await,
            11 => {
                let all = [Resolution::Ask, Resolution::Retry, Resolution::GiveUp];
                self.resolve_debits(provider, self.chaos.pick(&all)).await;
            }
            _ => self.reverse(),
        }
    }

    /// An operator resolves the debits of a provider that are held or in doubt.
    pub(crate) async fn resolve_debits(&mut self, provider: &str, resolution: Resolution) {
        for debit in self.platform.debits(provider).await {
            if !matches!(debit.phase, Phase::Held { .. } | Phase::InDoubt { .. }) {
                continue;
            }
            let (books, reason) = (self.platform.books(), steelyard_tests::reason("a look"));
            let (id, number, now) = (&debit.provider, debit.debit, self.now());
            let resolved = books.resolve_debit(id, number, resolution, &reason, now).await;
            let said = resolved.map_or_else(|refused| refused.to_string(), |_| "done".to_owned());
            self.chaos.note(format_args!("debit {number} of {provider}, {resolution:?}: {said}"));
        }
    }

    /// An operator gives money of a recharge back.
    pub(crate) async fn give_back(&mut self, provider: &str) {
        let id = provider.parse().expect("a provider's id");
        let recharges: Vec<Recharge> =
            self.platform.stack.tables.billing.all(&id).await.expect("a clean way to the table");
        let paid: Vec<_> = recharges.iter().filter(|of| of.payment().is_some()).collect();
        if paid.is_empty() {
            return;
        }
        self.references += 1;
        let request = format!("back{}", self.references);
        let number = RefundRef {
            out_trade_no: self.chaos.pick(&paid).out_trade_no.clone(),
            out_request_no: OutRequestNo::parse(&request).expect("letters and digits"),
        };
        let (amount, reason) = (steelyard_tests::fen(100), steelyard_tests::reason("a mistake"));
        let books = self.platform.books();
        let asked = books.ask_refund(&id, &number, amount, &reason, self.now()).await;
        let said = asked.map_or_else(|refused| refused.to_string(), |_| "asked for".to_owned());
        self.chaos.note(format_args!("{request} for {provider}: {said}"));
    }

    /// A payer ends an agreement, or signs another one where there is none.
    async fn change_agreement(&mut self, provider: &str) {
        let alipay = &self.platform.stack.alipay;
        if self.platform.found(provider).await.provider.mandate.is_none() {
            self.references += 1;
            let number = format!("2016{provider}{}", self.references);
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

    /// A provider asks for a recharge that is paid by a code.
    pub(crate) fn ask_for_recharge(&mut self, provider: &str) {
        self.references += 1;
        let yuan = self.chaos.pick(&["0.01", "25.00", "400.00"]);
        let asked = json!({ "provider": provider, "amount": yuan, "way": "code" });
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

    /// A provider pays by a bank transfer, which an operator books.
    async fn transfer(&mut self, provider: &str) {
        self.references += 1;
        let fen = self.chaos.pick(&[1, 5_000, 30_000]);
        self.chaos.note(format_args!("{provider} transfers {fen} fen"));
        self.platform.recharge(provider, fen, &format!("bank-{}", self.references)).await;
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
