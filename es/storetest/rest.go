package storetest

var modelClauses []Clause
