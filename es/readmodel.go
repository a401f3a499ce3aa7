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
	// Partitions has for each of the Versions by how many transactions at once it is built. That is
	// settled when it is created: two processes that went about it differently would count twice.
	Partitions []int
}

// Has reports whether a version was created, and not dropped.
func (m ReadModel) Has(version int) bool { return slices.Contains(m.Versions, version) }

// PartitionsOf returns by how many transactions at once a version is built; 0 if there is no such version.
func (m ReadModel) PartitionsOf(version int) int {
	if i := slices.Index(m.Versions, version); i >= 0 {
		return m.Partitions[i]
	}
	return 0
}

// Add adds a version that is not there.
func (m *ReadModel) Add(version, partitions int) {
	i, _ := slices.BinarySearch(m.Versions, version)
	m.Versions, m.Partitions = slices.Insert(m.Versions, i, version), slices.Insert(m.Partitions, i, partitions)
}

// Remove removes a version.
func (m *ReadModel) Remove(version int) {
	if i := slices.Index(m.Versions, version); i >= 0 {
		m.Versions, m.Partitions = slices.Delete(m.Versions, i, i+1), slices.Delete(m.Partitions, i, i+1)
	}
}
