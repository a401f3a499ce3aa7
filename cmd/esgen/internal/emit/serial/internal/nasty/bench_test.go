//go:build unix

package nasty

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// The heap is of a size that servers have: a small one flatters whoever allocates much.
var ballast []byte

func TestMain(m *testing.M) {
	ballast = make([]byte, 64<<20)
	debug.SetGCPercent(100)
	code := m.Run()
	ballast[0] = 1
	os.Exit(code)
}

func sampleSmall() *Small {
	return &Small{Owner: "Ada Lovelace", Currency: "EUR", Amount: 1250_00, Final: true}
}

func sampleMedium() *Medium {
	coupon := "SUMMER-24"
	return &Medium{
		ID:        uuid.MustParse("0192f3a4-5b6c-7d8e-9f01-23456789abcd"),
		Customer:  "Ada Lovelace",
		Email:     "ada.lovelace@example.com",
		PlacedAt:  time.Date(2024, 11, 5, 17, 4, 59, 123456000, time.UTC),
		Total:     12999,
		Rate:      0.19,
		Express:   true,
		Note:      "Please ring the bell twice, the first ring is often missed.",
		Coupon:    &coupon,
		Tags:      []string{"priority", "gift", "fragile"},
		Labels:    map[string]string{"channel": "web", "campaign": "autumn"},
		Address:   Address{Street: "12 St James's Square", City: "London", Zip: "SW1Y 4JH", Country: "GB"},
		Reference: uuid.MustParse("0192f3a4-5b6c-7d8e-9f01-23456789abce"),
	}
}

func sampleLarge() *Large {
	l := &Large{
		ID:       uuid.MustParse("0192f3a4-5b6c-7d8e-9f01-23456789abcd"),
		PlacedAt: time.Date(2024, 11, 5, 17, 4, 59, 123456000, time.UTC),
		Comment:  "Deliver to the back door; the dog is friendly.",
	}
	for i := range 36 {
		l.Lines = append(l.Lines, Line{
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
	return l
}

func bench[T any](b *testing.B, name string, v *T, app func([]byte, *T) ([]byte, error), dec func([]byte, *T) error) {
	text, err := app(nil, v)
	if err != nil {
		b.Fatal(err)
	}
	run := func(what string, f func() error) {
		b.Run(name+"/"+what, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
	var buf []byte
	run("encode/esgen", func() (err error) { buf, err = app(buf[:0], v); return err })
	run("encode/esgen-new", func() (err error) {
		b, err := app(make([]byte, 0, len(text)), v)
		sink = b
		return err
	})
	run("encode/v1", func() error { b, err := json.Marshal(v); sink = b; return err })
	run("encode/v2", func() error { b, err := jsonv2.Marshal(v); sink = b; return err })
	run("decode/esgen", func() error { return dec(text, new(T)) })
	run("decode/v1", func() error { return json.Unmarshal(text, new(T)) })
	run("decode/v2", func() error { return jsonv2.Unmarshal(text, new(T)) })
}

var sink []byte

// cpuTime is what the process has used, the garbage collector's part included: on a
// busy machine it is steadier than the time on the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkSerializers(b *testing.B) {
	bench(b, "small", sampleSmall(), appendSmall, decodeSmall)
	bench(b, "medium", sampleMedium(), appendMedium, decodeMedium)
	bench(b, "large", sampleLarge(), appendLarge, decodeLarge)
}
