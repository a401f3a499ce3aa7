package nasty

import (
	"sync"
	"time"
)

// Account is a state: all its fields are stored under their Go names.
type Account struct {
	Owner    string `json:"owner"`
	balance  int64
	History  []entry `json:"-"`
	limits   map[string]money
	closed   *time.Time
	anon     struct{ a, B int }
	entry                 // embedded: a field like others
	mu       sync.Mutex   `esgen:"-"`
	onChange func(string) `esgen:"-"`
}

type entry struct {
	at     time.Time
	Amount money `json:"amount,omitempty"`
}

type money struct {
	minor    int64
	currency string
}

// MarshalJSON is for other readers and has no counterpart: a snapshot doesn't use it.
func (m money) MarshalJSON() ([]byte, error) { return []byte(`"money"`), nil }
