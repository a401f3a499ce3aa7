// Package other has types that the nasty package uses from elsewhere.
package other

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Range is a plain struct of another package.
type Range struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Base is embedded by pointer and by value.
type Base struct {
	ID   string `json:"id"`
	Note string `json:"note,omitempty"`
}

// Cents marshals itself, by value.
type Cents int64

// MarshalJSON writes a string with two decimals.
func (c Cents) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Cents int64 `json:"cents"`
	}{int64(c)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Cents) UnmarshalJSON(b []byte) error {
	var v struct {
		Cents *int64 `json:"cents"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if v.Cents == nil {
		return errors.New("no cents")
	}
	*c = Cents(*v.Cents)
	return nil
}

// Code marshals itself as a text, with pointer receivers.
type Code struct{ s string }

// NewCode returns a code.
func NewCode(s string) Code { return Code{s} }

// MarshalText writes the code behind a mark.
func (c *Code) MarshalText() ([]byte, error) { return []byte("#" + c.s), nil }

// UnmarshalText reads what MarshalText writes.
func (c *Code) UnmarshalText(b []byte) error {
	s, ok := strings.CutPrefix(string(b), "#")
	if !ok {
		return errors.New("no code")
	}
	c.s = s
	return nil
}

// Color is a string with text methods, also for map keys.
type Color string

// MarshalText writes the color in upper case.
func (c Color) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(c))), nil }

// UnmarshalText reads a color in upper case.
func (c *Color) UnmarshalText(b []byte) error {
	if strings.ToUpper(string(b)) != string(b) {
		return errors.New("no color")
	}
	*c = Color(strings.ToLower(string(b)))
	return nil
}

// Level is an integer with text methods.
type Level int

// MarshalText writes L and the number.
func (l Level) MarshalText() ([]byte, error) { return []byte("L" + strings.Repeat("i", int(l)&7)), nil }

// UnmarshalText reads what MarshalText writes.
func (l *Level) UnmarshalText(b []byte) error {
	s, ok := strings.CutPrefix(string(b), "L")
	if !ok || strings.Trim(s, "i") != "" || len(s) > 7 {
		return errors.New("no level")
	}
	*l = Level(len(s))
	return nil
}
