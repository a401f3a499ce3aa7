package storetest

import "testing"

var durabilityClauses, modelClauses []Clause

func runChild(testing.TB, Harness) bool { return false }
