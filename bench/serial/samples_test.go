package serial

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

func samplePaid() *Paid {
	return &Paid{Payer: "Ada Byron", Method: "card", Currency: "EUR", Amount: 999, Final: true}
}

func samplePlaced() *Placed {
	coupon := "SUMMER-24"
	return &Placed{
		ID:        uuid.MustParse("0192f3a4-5b6c-7d8e-9f01-23456789abcd"),
		Customer:  "Ada Lovelace",
		Email:     "ada.lovelace@example.com",
		PlacedAt:  time.Date(2024, 11, 5, 17, 4, 59, 123456000, time.UTC),
		Total:     12_999,
		Rate:      0.19,
		Express:   true,
		Note:      "Please ring the bell twice, the first is often missed.",
		Coupon:    &coupon,
		Tags:      []string{"priority", "gift", "fragile"},
		Labels:    map[string]string{"channel": "web", "campaign": "autumn"},
		Address:   Address{Street: "12 St James's Square", City: "London", Zip: "SW1Y 4JH", Country: "GB"},
		Reference: uuid.MustParse("0192f3a4-5b6c-7d8e-9f01-23456789abce"),
	}
}

func samplePacked() *Packed {
	e := &Packed{
		ID:       uuid.MustParse("0192f3a4-5b6c-7d8e-9f01-23456789abcd"),
		PackedAt: time.Date(2024, 11, 5, 17, 4, 59, 123456000, time.UTC),
		Comment:  "Deliver to the back door; the dog is friendly.",
	}
	for i := range 36 {
		e.Lines = append(e.Lines, Line{
			SKU:      fmt.Sprintf("SKU-%05d", i*37),
			Name:     "Stainless steel water bottle, 750 ml",
			Quantity: i%5 + 1,
			Price:    int64(1999 + i*10),
			Discount: float64(i%4) * 0.05,
			Added:    time.Date(2024, 11, 5, 17, i, 0, 0, time.UTC),
			Gift:     i%3 == 0,
			Tags:     []string{"kitchen", "outdoor"},
		})
	}
	return e
}
