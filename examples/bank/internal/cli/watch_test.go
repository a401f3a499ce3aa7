package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/readmodel"
)

func TestTheTableOfWatchFitsItsScreen(t *testing.T) {
	t.Parallel()
	l := &live{last: 100, began: time.Now()}
	for n := range 150 {
		err := l.happened(bank.Happening{
			Stored:   es.Recorded{Stream: es.Stream{Category: "account", ID: "ada"}, Version: es.Version(n + 1)},
			Event:    account.Deposited{Amount: int64(n), Note: strings.Repeat("ä", 100)},
			Currency: "EUR",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(l.rows) != 100 {
		t.Fatalf("%d rows are kept, want 100", len(l.rows))
	}
	lags := []readmodel.Lag{{Name: "balances", Version: 3, Built: true, Behind: 7, Age: 1500 * time.Millisecond}, {Name: "interbank"}}
	for _, height := range []int{1, 3, 5, 24, 200} {
		lines := l.draw(lags, height)
		if len(lines) > height {
			t.Errorf("%d lines on a screen of %d", len(lines), height)
		}
		if height < 24 {
			continue
		}
		if lines[1] != "  balances (version 3): 7 behind, 1.5s" || lines[2] != "  interbank: has never run" {
			t.Errorf("the lag reads %q", lines[1:3])
		}
		if last := lines[len(lines)-1]; !strings.Contains(last, " 150  +1.49 EUR deposit: ä") {
			t.Errorf("the last line is %q, want the newest", last)
		}
	}
}
