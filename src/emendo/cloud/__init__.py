"""Amazon Web Services: models and pages in S3, preprocessing in Lambda, reading behind a SageMaker endpoint.

boto3 (the extra `aws`) is imported here only, and only when AWS is asked.
"""
