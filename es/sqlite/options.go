package sqlite

import (
	"runtime"
	"time"
)

// Option changes how a file is opened.
type Option func(*config)

func defaults() config {
	return config{
		durability: Full,
		readers:    max(4, 2*runtime.GOMAXPROCS(0)),
		poll:       50 * time.Millisecond,
	}
}

// Durability says what an acknowledged append survives.
type Durability int

const (
	// Full: the death of the process and the loss of power. Each commit is synced to the
	// disk before it is acknowledged. This is the default.
	Full Durability = iota

	// Relaxed: the death of the process, but not that of the machine. A crash of the
	// operating system or a loss of power can take the last appends with it, all
	// since the last checkpoint of the WAL in the worst case, though they were
	// acknowledged, and with them what others did upon them. What is lost is always the
	// end of the feed; the file stays sound. Good for tests and for what can be
	// imported again.
	Relaxed
)

// WithDurability sets what an acknowledged append survives; [Full] by default. Every
// process that appends to a file decides for its own appends.
func WithDurability(d Durability) Option { return func(c *config) { c.durability = d } }

// WithReaders sets how many connections may read at once; twice GOMAXPROCS but at
// least 4 by default. A read holds one only while it fetches a page.
func WithReaders(n int) Option { return func(c *config) { c.readers = max(1, n) } }

// WithPoll sets how often a store that is watched looks for the appends of other
// processes; every 50 ms by default. Its own appends need no poll.
func WithPoll(every time.Duration) Option {
	return func(c *config) { c.poll = max(time.Millisecond, every) }
}
