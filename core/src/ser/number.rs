//! Integers as decimal digits, for every form.

/// The digits of an integer, with a minus sign where there is one.
pub(super) struct Decimal {
    /// Filled from the end.
    bytes: [u8; Self::MAX],
    start: usize,
}

impl Decimal {
    /// `i128::MIN` has 39 digits and a sign.
    const MAX: usize = 40;
    /// Nine digits at a time fit a `u32`, which is quick to divide where dividing a `u64` is a subroutine.
    const GROUP: u32 = 1_000_000_000;

    pub(super) fn unsigned(value: u64) -> Self {
        let mut decimal = Self { bytes: [0; Self::MAX], start: Self::MAX };
        decimal.push(value);
        decimal
    }

    pub(super) fn signed(value: i64) -> Self {
        Self::unsigned(value.unsigned_abs()).with_sign(value < 0)
    }

    pub(super) fn unsigned_wide(value: u128) -> Self {
        let mut decimal = Self { bytes: [0; Self::MAX], start: Self::MAX };
        let mut rest = value;
        let low = loop {
            if let Ok(low) = u64::try_from(rest) {
                break low;
            }
            decimal.push_group((rest % u128::from(Self::GROUP)) as u32);
            rest /= u128::from(Self::GROUP);
        };
        decimal.push(low);
        decimal
    }

    pub(super) fn signed_wide(value: i128) -> Self {
        Self::unsigned_wide(value.unsigned_abs()).with_sign(value < 0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or(&[])
    }

    fn with_sign(mut self, negative: bool) -> Self {
        if negative {
            self.push_byte(b'-');
        }
        self
    }

    fn push(&mut self, value: u64) {
        let mut rest = value;
        while rest >= u64::from(Self::GROUP) {
            self.push_group((rest % u64::from(Self::GROUP)) as u32);
            rest /= u64::from(Self::GROUP);
        }
        let mut rest = rest as u32;
        loop {
            self.push_byte(b'0' | (rest % 10) as u8);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
    }

    /// Nine digits, leading zeros included.
    fn push_group(&mut self, group: u32) {
        let mut rest = group;
        for _ in 0..9 {
            self.push_byte(b'0' | (rest % 10) as u8);
            rest /= 10;
        }
    }

    /// Before what is there already. There is always room: see `MAX`.
    fn push_byte(&mut self, byte: u8) {
        let start = self.start.saturating_sub(1);
        if let Some(free) = self.bytes.get_mut(start) {
            *free = byte;
            self.start = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;

    #[test]
    fn req_07_integers_keep_every_digit() {
        let mut values = vec![0, 9, 10, 11, 999_999_999, 1_000_000_000, 1_000_000_001, u128::MAX, u128::MAX / 2 + 1];
        values.extend((0..128).flat_map(|shift| [1u128 << shift, (1 << shift) - 1]));
        values.extend((0..39).flat_map(|power| {
            let ten = 10u128.pow(power);
            [ten - 1, ten, ten + 1]
        }));
        for value in values {
            assert_eq!(Decimal::unsigned_wide(value).as_bytes(), value.to_string().as_bytes());
            let signed = value as i128;
            assert_eq!(Decimal::signed_wide(signed).as_bytes(), signed.to_string().as_bytes());
            let value = value as u64;
            assert_eq!(Decimal::unsigned(value).as_bytes(), value.to_string().as_bytes());
            let signed = value as i64;
            assert_eq!(Decimal::signed(signed).as_bytes(), signed.to_string().as_bytes());
        }
        assert_eq!(Decimal::signed(i64::MIN).as_bytes(), b"-9223372036854775808");
        assert_eq!(Decimal::signed_wide(i128::MIN).as_bytes(), b"-170141183460469231731687303715884105728");
    }
}
