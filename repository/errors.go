package repository

import "errors"

// Why an aggregate can be looked at but not saved, for errors.Is.
var (
	// ErrStale: the aggregate no longer equals what is stored, or belongs to an Update
	// or [Atomically] that is over. Load it again.
	ErrStale = errors.New("the aggregate is stale: load it again")
	// ErrHistorical: the aggregate was loaded with [AtVersion] or [AsOf].
	ErrHistorical = errors.New("the aggregate is one of the past, which can be looked at but not saved: " +
		"load it without AtVersion and AsOf")
)
