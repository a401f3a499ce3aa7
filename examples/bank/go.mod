module github.com/esgen-go/esgen/examples/bank

go 1.26.0

require (
	github.com/esgen-go/esgen v0.0.0
	github.com/spf13/cobra v1.10.2
	github.com/vbauerster/mpb/v8 v8.9.3
	golang.org/x/term v0.39.0
)

replace github.com/esgen-go/esgen => ../..

tool github.com/esgen-go/esgen/cmd/esgen
