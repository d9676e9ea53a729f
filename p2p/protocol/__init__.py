"""The engines: each is told a fact (received, time passed) and answers with effects. Sans-IO."""
