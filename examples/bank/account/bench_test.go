package account

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

// codecOf is the generated codec of one event type, with an event to try it on.
type codecOf[E any] struct {
	event  E
	append func([]byte, *E) ([]byte, error)
	decode func([]byte, *E) error
}

func TestEncodingIntoAReusedBufferAllocatesNothing(t *testing.T) {
	events := []any{
		Opened{Owner: "Ada Lovelace", Currency: "EUR", Overdraft: 500_00},
		Deposited{Amount: 12_34, Note: "salary June – with a bonus"},
		Withdrawn{Amount: 12_34}, TransferSent{To: "bob", Amount: 1}, TransferReceived{From: "ada", Amount: 1, Note: "\u2028\n"}, Closed{},
	}
	buffer := make([]byte, 0, 1024)
	for _, event := range events {
		allocs := testing.AllocsPerRun(100, func() {
			if _, _, _, err := (accountType{}).Encode(buffer, event); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("encoding a %T allocates %v times, want none", event, allocs)
		}
	}
	a := &Account{Owner: "Ada Lovelace", Currency: "EUR", Balance: 1234}
	if allocs := testing.AllocsPerRun(100, func() { _, _ = appendAccountState(buffer, a) }); allocs != 0 {
		t.Errorf("encoding the state allocates %v times, want none", allocs)
	}
}

func TestAFreshEncodingTakesOneAllocationAndIsItsOwn(t *testing.T) {
	events := []any{
		Opened{Owner: "Ada Lovelace", Currency: "EUR", Overdraft: 500_00},
		Deposited{Amount: 12_34, Note: "salary June – with a bonus"},
		Withdrawn{Amount: 12_34}, TransferSent{To: "bob", Amount: 1}, Closed{},
	}
	texts := make([][]byte, 0, 1)
	for _, event := range events {
		allocs := testing.AllocsPerRun(100, func() {
			_, _, data, err := (accountType{}).Encode(nil, event)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts[:0], data)
		})
		if allocs > 1 {
			t.Errorf("encoding a %T allocates %v times, want once", event, allocs)
		}
		before := bytes.Clone(texts[0])
		_, _, next, err := (accountType{}).Encode(nil, event)
		if err != nil {
			t.Fatal(err)
		}
		clear(next[:cap(next)])
		if !bytes.Equal(texts[0], before) {
			t.Errorf("the encoded %T changed from %s to %s", event, before, texts[0])
		}
	}
}

// BenchmarkCodec sets the generated codecs beside encoding/json on the bank's events and state.
func BenchmarkCodec(b *testing.B) {
	ballast := make([]byte, 64<<20) // with a small heap the collector runs all the time, which hides what an allocation costs
	defer runtime.KeepAlive(ballast)
	benchmark(b, "Opened", codecOf[Opened]{Opened{Owner: "Ada Lovelace", Currency: "EUR", Overdraft: 500_00}, appendOpened, decodeOpened})
	benchmark(b, "Deposited", codecOf[Deposited]{Deposited{Amount: 1234_56}, appendDeposited, decodeDeposited})
	benchmark(b, "DepositedWithNote", codecOf[Deposited]{Deposited{Amount: 1234_56, Note: "salary for June, with the bonus for the quarter"}, appendDeposited, decodeDeposited})
	benchmark(b, "TransferSent", codecOf[TransferSent]{TransferSent{To: "0192f7a0-5b8c-7e1d-9a4f-3c2b1d0e5f6a", Amount: 99_00, Note: "rent"}, appendTransferSent, decodeTransferSent})
	benchmark(b, "State", codecOf[Account]{Account{Owner: "Ada Lovelace", Currency: "EUR", Balance: 1234_56, Overdraft: 500_00}, appendAccountState, decodeAccountState})
}

func benchmark[E any](b *testing.B, name string, c codecOf[E]) {
	data, err := c.append(nil, &c.event)
	if err != nil {
		b.Fatal(err)
	}
	var buffer []byte
	compare(b, name+"/encode", data,
		func() (err error) { buffer, err = c.append(buffer[:0], &c.event); return err },
		func() (err error) { buffer, err = json.Marshal(&c.event); return err })
	var fresh []byte
	compare(b, name+"/encodeFresh", data,
		func() (err error) {
			buffer, err = c.append(buffer[:0], &c.event)
			fresh = bytes.Clone(buffer)
			return err
		},
		func() (err error) { fresh, err = json.Marshal(&c.event); return err })
	runtime.KeepAlive(fresh)
	var event E
	compare(b, name+"/decode", data,
		func() error { return c.decode(data, &event) },
		func() error { var zero E; event = zero; return json.Unmarshal(data, &event) })
}

// compare times esgen and encoding/json, each by itself, and then both by turns.
func compare(b *testing.B, name string, data []byte, esgen, std func() error) {
	for i, f := range []func() error{esgen, std} {
		b.Run(fmt.Sprintf("%s/%s", name, [...]string{"esgen", "json"}[i]), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run(name+"/ratio", func(b *testing.B) { ratio(b, esgen, std) })
}

// ratio reports how many times as long encoding/json takes. The two take turns, a few microseconds each, and
// the medians count, so that whatever else the machine does meets both alike.
func ratio(b *testing.B, esgen, std func() error) {
	const batch = 50
	var times [2][]float64
	for b.Loop() {
		for i, f := range []func() error{esgen, std} {
			began := time.Now()
			for range batch {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			times[i] = append(times[i], float64(time.Since(began).Nanoseconds())/batch)
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	b.ReportMetric(times[0][len(times[0])/2], "esgen-ns")
	b.ReportMetric(times[1][len(times[1])/2], "json-ns")
	b.ReportMetric(times[1][len(times[1])/2]/times[0][len(times[0])/2], "json/esgen")
	b.ReportMetric(0, "ns/op") // of both together: no figure of interest
}

// BenchmarkDecodeOld shows what reading an old event through its upcasters costs.
func BenchmarkDecodeOld(b *testing.B) {
	for _, c := range []struct {
		file, name string
		schema     int
	}{
		{"account.opened.v3", "account.opened", 3}, // the latest, for comparison
		{"account.opened.v2", "account.opened", 2},
		{"account.opened.v1", "account.opened", 1},
		{"account.adjusted.v1.fee", "account.adjusted", 1},
	} {
		data, err := os.ReadFile("testdata/stored/" + c.file + ".json")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.file, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := upcastAccountEvent(c.name, c.schema, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
