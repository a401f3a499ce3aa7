// Package serial measures the serializers that esgen generates beside those of other
// libraries, on a small, a medium and a large event. See the README of the module.
package serial
