package storetest

import "testing"

var watchClauses, iteratorClauses, contextClauses, closeClauses, durabilityClauses, modelClauses []Clause

func runChild(testing.TB, Harness) bool { return false }
