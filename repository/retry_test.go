package repository

import (
	"math"
	"testing"
	"time"
)

func TestPausesDoubleUpToTheirCeiling(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		policy retryPolicy
		n      int
		want   time.Duration
	}{
		"the first":              {defaultRetry, 1, ms},
		"the second":             {defaultRetry, 2, 2 * ms},
		"the eighth":             {defaultRetry, 8, 128 * ms},
		"the ninth":              {defaultRetry, 9, 200 * ms},
		"far out":                {defaultRetry, 1 << 20, 200 * ms},
		"a base above":           {retryPolicy{base: time.Hour, ceiling: ms}, 1, ms},
		"none":                   {retryPolicy{}, 5, 0},
		"without overflow":       {retryPolicy{base: 1, ceiling: math.MaxInt64}, 100, math.MaxInt64},
		"a base that is not one": {retryPolicy{base: 3 * ms, ceiling: 10 * ms}, 3, 10 * ms},
	} {
		if got := c.policy.longest(c.n); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
