// Package money holds amounts of money as whole minor units of a currency, and
// reads and prints them. No float is involved anywhere.
package money

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Currency is an ISO 4217 code, such as EUR.
type Currency string

// digits tells how many decimal digits a currency has: what its minor unit is.
var digits = map[Currency]int{
	"AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLF": 4, "CLP": 0, "CNY": 2, "CZK": 2, "DKK": 2,
	"EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "INR": 2, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3,
	"MXN": 2, "NOK": 2, "NZD": 2, "OMR": 3, "PLN": 2, "SEK": 2, "SGD": 2, "TND": 3, "USD": 2, "ZAR": 2,
}

// ParseCurrency reads a code that the bank knows, in capital letters.
func ParseCurrency(code string) (Currency, error) {
	c := Currency(code)
	if c.Known() {
		return c, nil
	}
	if upper := Currency(strings.ToUpper(code)); upper.Known() {
		return "", fmt.Errorf("currency %q: write it as %s", code, upper)
	}
	return "", fmt.Errorf("currency %.20q is not one that the bank knows: %s", code, known())
}

// Known reports whether the bank knows the currency.
func (c Currency) Known() bool {
	_, ok := digits[c]
	return ok
}

// Digits returns how many decimal digits an amount has; 0 for a currency that is not known.
func (c Currency) Digits() int { return digits[c] }

func known() string {
	codes := make([]string, 0, len(digits))
	for _, c := range slices.Sorted(maps.Keys(digits)) {
		codes = append(codes, string(c))
	}
	return strings.Join(codes, " ")
}
