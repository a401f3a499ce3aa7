package es

import (
	"errors"
	"slices"
)

// ErrTxLost: a transaction failed for a reason that lies with the database, and not with
// what was done in it: it can be done again. Whether it was committed after all is not known;
// progress that was recorded in it tells, since recording it again is then refused.
var ErrTxLost = errors.New("the transaction was lost")

// ReadModel is what a store knows of a read model that is kept beside its events: see
// package projection.
type ReadModel struct {
	// Name is that of the read model: 1 to 180 bytes of UTF-8.
	Name string
	// Serving is the version that readers are to use; 0 if none is built yet.
	Serving int
	// Versions are those that were created and not dropped, in ascending order.
	Versions []int
}

// Has reports whether a version was created, and not dropped.
func (m ReadModel) Has(version int) bool { return slices.Contains(m.Versions, version) }
