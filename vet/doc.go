// Package vet has analyzers for code that uses esgen: they find what compiles and still loses history, or
// makes a replay differ from what happened. Each is a [golang.org/x/tools/go/analysis.Analyzer].
//
// There are three ways to run them:
//
//	esgen vet ./...
//	go vet -vettool=$(go tool -n esgen) ./...
//	golangci-lint, built with the plugin in package vet/golangci
//
// A finding that is right as it is gets a comment at its line, or on the line above, with the analyzer's name and
// the reason, which must be given:
//
//	//esgen:ignore statechange the balance is repaired by hand, see #12
//
// The analyzers look at one package at a time. They know aggregates and events of other packages by what
// esgen generated for them, but don't look into those packages' functions.
package vet
