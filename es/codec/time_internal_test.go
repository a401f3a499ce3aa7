package codec

import (
	"testing"
	"time"
)

func TestEveryDayIsThatOfTheCalendar(t *testing.T) {
	t.Parallel()
	day := time.Date(-1, 12, 1, 0, 0, 0, 0, time.UTC)
	for n := day.Unix() / secondsPerDay; n <= 2932896; n++ {
		year, month, d := civil(n)
		if want := time.Unix(n*secondsPerDay, 0).UTC(); int(year) != want.Year() || int(month) != int(want.Month()) || int(d) != want.Day() {
			t.Fatalf("day %d: %d-%d-%d, want %v", n, year, month, d, want)
		}
		if year >= 0 {
			if back := daysOf(int(year), int(month), int(d)); back != n {
				t.Fatalf("%d-%d-%d: day %d, want %d", year, month, d, back, n)
			}
		}
	}
}
