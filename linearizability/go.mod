module github.com/imageshare/sharing/linearizability

go 1.25.0

require (
	github.com/anishathalye/porcupine v1.3.0
	github.com/imageshare/sharing v0.0.0
)

replace github.com/imageshare/sharing => ../
