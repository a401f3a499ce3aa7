package money_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/esgen-go/esgen/examples/bank/money"
)

func TestParseReadsAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Amount{
		"12.34 EUR":                {Minor: 1234, Currency: "EUR"},
		"12 EUR":                   {Minor: 1200, Currency: "EUR"},
		"12.3 EUR":                 {Minor: 1230, Currency: "EUR"},
		"0.01 USD":                 {Minor: 1, Currency: "USD"},
		"-0.01 USD":                {Minor: -1, Currency: "USD"},
		" 1200  JPY ":              {Minor: 1200, Currency: "JPY"},
		"1.5 KWD":                  {Minor: 1500, Currency: "KWD"},
		"0.0001 CLF":               {Minor: 1, Currency: "CLF"},
		"007 EUR":                  {Minor: 700, Currency: "EUR"},
		"92233720368547758.07 EUR": {Minor: math.MaxInt64, Currency: "EUR"},
	} {
		got, err := money.Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "such as 12.34 EUR",
		"12.34":                    "such as 12.34 EUR",
		"12.34 eur":                "write it as EUR",
		"12.34 XXX":                "not one that the bank knows",
		"12.345 EUR":               "EUR has 2 decimal digits, not 3",
		"12.5 JPY":                 "JPY has no decimal digits",
		"12. EUR":                  "not a number",
		".5 EUR":                   "not a number",
		"1e3 EUR":                  "not a number",
		"+5 EUR":                   "not a number",
		"--5 EUR":                  "not a number",
		"1,000 EUR":                "not a number",
		"0x10 EUR":                 "not a number",
		"١٢ EUR":                   "not a number",
		"92233720368547758.08 EUR": "more than the bank can count (92233720368547758.07 EUR)",
	} {
		if got, err := money.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, %v; want an error with %q", text, got, err, want)
		}
	}
}

func TestStringPrintsAllDigitsOfTheCurrency(t *testing.T) {
	t.Parallel()
	for want, amount := range map[string]money.Amount{
		"12.34 EUR":                 {Minor: 1234, Currency: "EUR"},
		"0.05 EUR":                  {Minor: 5, Currency: "EUR"},
		"-0.05 EUR":                 {Minor: -5, Currency: "EUR"},
		"0.00 EUR":                  {Minor: 0, Currency: "EUR"},
		"1200 JPY":                  {Minor: 1200, Currency: "JPY"},
		"1.500 KWD":                 {Minor: 1500, Currency: "KWD"},
		"-92233720368547758.08 EUR": {Minor: math.MinInt64, Currency: "EUR"},
	} {
		if got := amount.String(); got != want {
			t.Errorf("%#v prints as %q, want %q", amount, got, want)
		}
	}
}

func TestWhatIsPrintedIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := money.New(rapid.Int64().Draw(t, "minor"),
			money.Currency(rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLF"}).Draw(t, "currency")))
		got, err := money.Parse(want.String())
		if err != nil || got != want {
			t.Fatalf("Parse(%q) = %v, %v; want %v", want, got, err, want)
		}
	})
}

func TestATotalOutgrowsAnAmount(t *testing.T) {
	t.Parallel()
	total, other := money.Total{Currency: "EUR"}, money.Total{Currency: "EUR"}
	total.Add(math.MaxInt64)
	total.Add(math.MaxInt64)
	total.Add(2)
	if got, want := total.String(), "184467440737095516.16 EUR"; got != want {
		t.Errorf("the total is %s, want %s", got, want)
	}
	other.AddTotal(&total)
	if !other.Equal(&total) {
		t.Errorf("%s and %s: want them to be equal", &total, &other)
	}
	other.Sub(&total)
	if got := other.String(); got != "0.00 EUR" || other.Equal(&total) {
		t.Errorf("less itself it is %s, want 0.00 EUR", got)
	}
}
