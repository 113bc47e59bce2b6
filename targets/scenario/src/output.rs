//! Lines to the host, without `core::fmt`: words, whole numbers and bits.

use core::fmt;

/// Characters of a line, its end included.
const LINE: usize = 128;

/// The host's standard output, one line at a time.
pub struct Output<'h> {
    send: &'h mut dyn FnMut(&[u8]),
    line: [u8; LINE],
    used: usize,
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("used", &self.used).finish_non_exhaustive()
    }
}

impl<'h> Output<'h> {
    /// `send` takes whole lines to wherever the part's lines go.
    pub fn new(send: &'h mut dyn FnMut(&[u8])) -> Self {
        Self { send, line: [0; LINE], used: 0 }
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.line.get_mut(self.used) {
            *place = byte;
            self.used += 1;
        }
    }

    /// Appends words.
    pub fn text(&mut self, text: &str) -> &mut Self {
        text.bytes().for_each(|byte| self.byte(byte));
        self
    }

    /// Appends a number in decimal.
    pub fn number(&mut self, number: u32) -> &mut Self {
        let mut digits = [0; 10];
        let (mut rest, mut used) = (number, 0);
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        digits.iter().skip(10 - used).for_each(|&digit| self.byte(digit));
        self
    }

    /// Appends a word in hexadecimal, all 16 digits.
    pub fn bits(&mut self, word: u64) -> &mut Self {
        for shift in (0..16).rev() {
            let digit = (word >> (4 * shift)) as u8 & 15;
            self.byte(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
        }
        self
    }

    /// Sends the line.
    pub fn line(&mut self) {
        // A line that is too long loses its end.
        self.used = self.used.min(LINE - 1);
        self.byte(b'\n');
        (self.send)(self.line.get(..self.used).unwrap_or(&[]));
        self.used = 0;
    }
}
