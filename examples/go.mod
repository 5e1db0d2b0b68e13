module github.com/safetrip-go/safetrip/examples

go 1.26

require github.com/safetrip-go/safetrip v0.0.0

replace github.com/safetrip-go/safetrip => ../
