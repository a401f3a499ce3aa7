package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Amount is an amount of money: 1234 minor units of EUR are 12.34 EUR.
type Amount struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// New returns an amount of minor units.
func New(minor int64, c Currency) Amount { return Amount{Minor: minor, Currency: c} }

// String prints the amount as Parse reads it, with all digits of its currency: 12.34 EUR, 1200
// JPY, 1.500 KWD.
func (a Amount) String() string { return a.Decimal() + " " + string(a.Currency) }

// Decimal prints the amount without its currency.
func (a Amount) Decimal() string { return decimal(strconv.FormatInt(a.Minor, 10), a.Currency) }

// decimal puts the point into a whole number of minor units.
func decimal(minor string, c Currency) string {
	text, negative := strings.CutPrefix(minor, "-")
	if n := c.Digits(); n > 0 {
		if short := n + 1 - len(text); short > 0 {
			text = strings.Repeat("0", short) + text
		}
		text = text[:len(text)-n] + "." + text[len(text)-n:]
	}
	if negative {
		text = "-" + text
	}
	return text
}

// Parse reads an amount with its currency, such as 12.34 EUR. It may have fewer decimal digits than
// the currency, but not more: nothing is rounded. Its sign may be a minus.
func Parse(text string) (Amount, error) {
	number, code, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		return Amount{}, fmt.Errorf("amount %.60q: write a number, a space and a currency, such as 12.34 EUR", text)
	}
	currency, err := ParseCurrency(strings.TrimSpace(code))
	if err != nil {
		return Amount{}, fmt.Errorf("amount %.60q: %w", text, err)
	}
	minor, err := parseMinor(number, currency)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %.60q: %w", text, err)
	}
	return Amount{Minor: minor, Currency: currency}, nil
}

func parseMinor(number string, c Currency) (int64, error) {
	sign, rest := "", number
	if after, negative := strings.CutPrefix(number, "-"); negative {
		sign, rest = "-", after
	}
	whole, fraction, point := strings.Cut(rest, ".")
	switch {
	case !isDigits(whole), point && !isDigits(fraction):
		return 0, fmt.Errorf("%.40q is not a number such as %s", number, New(1234, c).Decimal())
	case len(fraction) > c.Digits() && c.Digits() == 0:
		return 0, fmt.Errorf("%s has no decimal digits", c)
	case len(fraction) > c.Digits():
		return 0, fmt.Errorf("%s has %d decimal digits, not %d", c, c.Digits(), len(fraction))
	}
	padding := strings.Repeat("0", c.Digits()-len(fraction))
	minor, err := strconv.ParseInt(sign+whole+fraction+padding, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("it is more than the bank can count (%s)", New(1<<63-1, c))
	}
	return minor, err
}

func isDigits(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
