// Package msg has the measured events once more, with the code that tinylib/msgp generates
// for them: MessagePack, a binary format, for reference.
package msg

import (
	"time"

	"github.com/google/uuid"
)

//go:generate go tool msgp -file events.go -o events_msgp.go -io=false -tests=false

//msgp:tag json
//msgp:replace uuid.UUID with:[16]byte

// Paid is the small event: 80 bytes as JSON.
type Paid struct {
	Payer    string `json:"payer"`
	Method   string `json:"method"`
	Currency string `json:"currency"`
	Amount   int64  `json:"amount"`
	Final    bool   `json:"final"`
}

// Placed is the medium event: 515 bytes as JSON.
type Placed struct {
	ID        uuid.UUID         `json:"id"`
	Customer  string            `json:"customer"`
	Email     string            `json:"email"`
	PlacedAt  time.Time         `json:"placed_at"`
	Total     int64             `json:"total"`
	Rate      float64           `json:"rate"`
	Express   bool              `json:"express"`
	Note      string            `json:"note,omitempty"`
	Coupon    *string           `json:"coupon,omitempty"`
	Tags      []string          `json:"tags"`
	Labels    map[string]string `json:"labels"`
	Address   Address           `json:"address"`
	Reference uuid.UUID         `json:"reference"`
}

// Address is nested in Placed.
type Address struct {
	Street  string `json:"street"`
	City    string `json:"city"`
	Zip     string `json:"zip"`
	Country string `json:"country"`
}

// Packed is the large event: 6.9 kB as JSON, in 36 lines.
type Packed struct {
	ID       uuid.UUID `json:"id"`
	PackedAt time.Time `json:"packed_at"`
	Lines    []Line    `json:"lines"`
	Comment  string    `json:"comment"`
}

// Line is an element of Packed.
type Line struct {
	SKU      string    `json:"sku"`
	Name     string    `json:"name"`
	Quantity int       `json:"quantity"`
	Price    int64     `json:"price"`
	Discount float64   `json:"discount"`
	Added    time.Time `json:"added"`
	Gift     bool      `json:"gift"`
	Tags     []string  `json:"tags"`
}
