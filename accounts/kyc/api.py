"""Sending documents, and asking how the check of one's identity stands."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import person
from accounts.kyc import services
from accounts.kyc.details import Details
from accounts.kyc.refusals import FileRefused
from accounts.kyc.serializers import (
    DetailsSerializer,
    DocumentSerializer,
    KycSerializer,
    UploadSerializer,
)
from accounts.kyc.standing import standing_of
from compliance.audit import Origin
from rest.errors import invalid
from rest.views import ApiView


class KycView(ApiView):
    write_scope = "kyc"
    serializer_class = KycSerializer
    pagination_class = None

    @extend_schema(summary="Read how your identity check stands", tags=["kyc"], responses=KycSerializer)
    def get(self, request: Request) -> Response:
        self.query()
        return Response(KycSerializer(standing_of(person(request))).data)


class KycDetailsView(ApiView):
    write_scope = "kyc"
    serializer_class = KycSerializer

    @extend_schema(
        summary="Say who you are, as on your document",
        description="Kept encrypted. Said again, it replaces what was said before, until you are approved.",
        tags=["kyc"],
        request=DetailsSerializer,
        responses=KycSerializer,
        examples=[
            OpenApiExample(
                "A passport",
                request_only=True,
                value={
                    "legal_name": "Ana García López",
                    "birth_date": "1990-04-21",
                    "country": "ES",
                    "document_number": "PAB123456",
                    "document_expires_on": "2031-04-20",
                },
            )
        ],
    )
    def put(self, request: Request) -> Response:
        given = Details(**self.body(DetailsSerializer))
        user = person(request)
        services.give_details(user=user, given=given, now=timezone.now(), origin=Origin.of(request))
        return Response(KycSerializer(standing_of(user)).data)


class KycDocumentsView(ApiView):
    write_scope = "kyc"
    parser_classes = (MultiPartParser,)
    serializer_class = UploadSerializer

    @extend_schema(
        summary="Send a document for your identity check",
        description="JPEG, PNG or PDF: at most 10 MiB, 50 megapixels, 50 pages. It is decoded and written "
        "anew; name and type that you send are ignored. The same kind again replaces.",
        tags=["kyc"],
        request={"multipart/form-data": UploadSerializer},
        responses={201: DocumentSerializer},
    )
    def post(self, request: Request) -> Response:
        given = self.body(UploadSerializer)
        try:
            document = services.send_document(
                user=person(request),
                kind=given["kind"],
                data=given["file"],
                now=timezone.now(),
                origin=Origin.of(request),
            )
        except FileRefused as refused:
            raise invalid(refused.code, refused.detail, attr="file") from None
        return Response(DocumentSerializer(document).data, status=201)
