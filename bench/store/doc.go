// Package store measures this project's stores beside those of other event sourcing libraries
// for Go: the same events, on the same machine, with the same durability, in one run.
package store
